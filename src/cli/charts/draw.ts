// A chart as SVG text: Vega-Lite says what it is, Vega draws it, and the colours follow the reader's light or dark scheme. The text is the
// same at every run. Both packages are optional: a command that draws a chart needs them, and says so before it works for nothing.

/** Of series, by name, in a light and in a dark scheme; each stands out from the paper and from the others. */
const SERIES: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  blue: ["#1f6fb5", "#6cb2f7"],
  orange: ["#c0500c", "#ff9f57"],
  green: ["#23794a", "#63cf92"],
  purple: ["#7a45b8", "#c4a0f5"],
  pink: ["#b3286c", "#f58cc0"],
  grey: ["#5b6671", "#a9b4bf"],
};
const INK: typeof SERIES = { paper: ["#ffffff", "#14181d"], ink: ["#1b1f24", "#e6eaee"], faint: ["#dde2e7", "#343c45"] };

/** A colour of the scheme: a series, or `paper`, `ink`, `faint`. */
export const colour = (name: string): string => `var(--${name})`;

const axis = {
  labelColor: colour("ink"),
  titleColor: colour("ink"),
  gridColor: colour("faint"),
  domainColor: colour("grey"),
  tickColor: colour("grey"),
};
const config = {
  background: colour("paper"),
  font: "system-ui, sans-serif",
  padding: 14,
  view: { stroke: null },
  axis: { ...axis, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" },
  legend: { labelColor: colour("ink"), titleColor: colour("ink"), labelFontSize: 12, titleFontSize: 12, labelLimit: 400 },
  title: { color: colour("ink"), subtitleColor: colour("grey"), fontSize: 15, subtitleFontSize: 12, anchor: "start", offset: 12 },
  header: { labelColor: colour("ink"), titleColor: colour("ink") },
  text: { color: colour("ink"), fontSize: 11 },
} as const;

/** The order of colours for a series of names, which is theirs in every chart. */
export const scaleOf = (names: readonly string[]): { domain: string[]; range: string[] } => ({
  domain: [...names],
  range: names.map((_, i) => colour(Object.keys(SERIES)[i % Object.keys(SERIES).length])),
});

/** A specification of Vega-Lite. Its own types are stricter than what it takes. */
export type Chart = Readonly<Record<string, unknown>>;

/** A function that draws charts. Throws, with what to install, where Vega is not. */
export async function charts(): Promise<(chart: Chart) => Promise<string>> {
  const { parse, resetSVGDefIds, View, Warn, compile } = await packages();
  return async (chart) => {
    resetSVGDefIds();
    const whole = { $schema: "https://vega.github.io/schema/vega-lite/v6.json", ...chart, config };
    const view = new View(parse(compile(whole as Parameters<typeof compile>[0]).spec), { renderer: "none", logLevel: Warn });
    const svg = await view.toSVG();
    view.finalize();
    return `${svg.replace(/(<svg[^>]*>)/, `$1<style>${style()}</style>`)}\n`;
  };
}

async function packages() {
  try {
    const [vega, lite] = await Promise.all([import("vega"), import("vega-lite")]);
    return { ...vega, compile: lite.compile };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Error("drawing a chart needs packages that are not here: npm install vega vega-lite", { cause: error });
  }
}

function style(): string {
  const all = Object.entries({ ...INK, ...SERIES });
  const scheme = (i: 0 | 1) => `:root{${all.map(([name, colours]) => `--${name}:${colours[i]}`).join(";")}}`;
  return `${scheme(0)}@media (prefers-color-scheme:dark){${scheme(1)}}`;
}
