// A report as one HTML page that holds everything it shows: figures, charts and pictures. It loads nothing and runs no script.

import { bars, curve, type Line } from "./charts.ts";
import { type Figure, groups, shown } from "./figures.ts";
import { asIs, type Html, html } from "./html.ts";
import type { Column, Scored } from "./scored.ts";
import { style } from "./style.ts";

/** The page about some runs, each a column. */
export function page(columns: readonly Column[], about: readonly string[]): string {
  const scored = columns.filter((column): column is Scored => "assessment" in column);
  const content = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="elbo evaluate">
<title>${columns.map(({ run }) => run).join(", ")} - evaluation</title>
<style>${asIs(style)}</style>
</head>
<body>
<main>
<h1>${columns.length === 1 ? html`Evaluation of ${columns[0].run}` : html`Evaluation of ${columns.length} runs`}</h1>
${about.map((line) => html`<p class="quiet">${line}</p>`)}
${columns.flatMap((column) => notesOf(column).map((note) => html`<p class="note"><b>${column.run}</b>: ${note}</p>`))}
<h2>What was trained</h2>
${described(columns)}
${groups.map((group) => html`<h2>${group.title}</h2>${table(group.figures, scored)}`)}
<h2>How training went</h2>
<div class="panels">${scored.map((column) => html`<figure><h3>${column.run}</h3>${training(column)}</figure>`)}</div>
<h2>What each latent carries</h2>
<p class="quiet">KL and mutual information with x of each latent, in nats, the largest KL first. A latent whose information is far below its KL pays for a place far from the prior; one near 0 carries nothing.</p>
<div class="panels">${scored.map((column) => html`<figure><h3>${column.run}</h3>${latents(column)}</figure>`)}</div>
<h2>Pictures</h2>
${pictures(scored, "samples", "Samples", "Mean pictures at latents drawn from the prior.")}
${pictures(scored, "reconstructions", "Reconstructions", "Test images, and under each what the model makes of it.")}
${pictures(scored, "traversal", "Traversals", "Each row changes one latent from -3 to 3, the one with the largest KL first; the others stay what they are for the first test image.")}
</main>
</body>
</html>
`;
  return content.markup;
}

const notesOf = (column: Column): readonly string[] =>
  "assessment" in column
    ? [...column.notes, ...("warning" in column.assessment.nll && column.assessment.nll.warning ? [column.assessment.nll.warning] : [])]
    : [`not scored: ${column.problem}`];

function described(columns: readonly Column[]): Html {
  const names = Object.keys(columns[0].about);
  return html`<div class="scroll"><table class="text"><thead><tr><th></th>${columns.map(({ run }) => html`<th scope="col">${run}</th>`)}</tr></thead>
<tbody>${names.map(
    (name) => html`<tr class="first"><th scope="row">${name}</th>${columns.map(({ about }) => html`<td>${about[name]}</td>`)}</tr>
`,
  )}</tbody></table></div>`;
}

/** A row for each figure, and under it a row that says how to read it. A figure that no run has is one line with the reason. */
function table(figures: readonly Figure[], columns: readonly Scored[]): Html {
  return html`<div class="scroll"><table><thead><tr><th></th>${columns.map(({ run }) => html`<th scope="col">${run}</th>`)}</tr></thead>
<tbody>${figures.map((figure) => {
    const { name, unit, says, source } = figure;
    const absent = new Set(columns.flatMap(({ assessment }) => absence(figure, assessment)));
    return html`<tr class="first"><th scope="row">${name}${unit === "" ? "" : html` <small>${unit}</small>`}</th>${columns.map(({ assessment }) => html`<td>${shown(figure, assessment)}</td>`)}</tr>
<tr class="why"><td colspan="${columns.length + 1}"><span>${says}${source ? ` (${source})` : ""}${[...absent].map((why) => html` <span class="absent">-: ${why}.</span>`)}</span></td></tr>
`;
  })}</tbody></table></div>`;
}

function absence(figure: Figure, assessment: Scored["assessment"]): string[] {
  const found = figure.of(assessment);
  return typeof found === "object" && "absent" in found ? [found.absent] : [];
}

function training({ metrics }: Scored): Html {
  const lossOf = (line: Readonly<Record<string, unknown>>, part: "train" | "test"): number => {
    const terms = line[part] as { loss?: unknown } | undefined;
    return typeof terms?.loss === "number" ? terms.loss : Number.NaN;
  };
  const lines: readonly Line[] = [
    { name: "training loss", colour: "blue", values: metrics.map((line) => lossOf(line, "train")) },
    { name: "test loss", colour: "orange", values: metrics.map((line) => lossOf(line, "test")) },
  ];
  const known = lines.filter(({ values }) => values.some(Number.isFinite));
  return known.length > 0 ? curve(known, "nats per image") : html`<p class="absent">metrics.jsonl tells no losses</p>`;
}

const MOST_BARS = 64;

function latents({ assessment: { kl, information } }: Scored): Html {
  if ("absent" in kl || "absent" in information) return html`<p class="absent">${"absent" in kl ? kl.absent : ""}</p>`;
  const all = Array.from(kl, (value, j) => ({ name: `${j}`, value, inner: information.perLatent[j] })).sort((a, b) => b.value - a.value);
  const rest = all.length - MOST_BARS;
  return html`<p class="legend"><span><i class="swatch blue"></i>KL</span><span><i class="swatch orange"></i>mutual information</span></p>
${bars(all.slice(0, MOST_BARS), 3)}${rest > 0 ? html`<p class="quiet">and ${rest} more, of at most ${all[MOST_BARS].value.toFixed(3)} nats of KL</p>` : ""}`;
}

function pictures(columns: readonly Scored[], which: keyof Scored["pictures"], title: string, says: string): Html {
  return html`<h3>${title}</h3><p class="quiet">${says}</p>
<div class="panels wide">${columns.map(({ run, pictures }) => {
    const source = `data:image/png;base64,${Buffer.from(pictures[which]).toString("base64")}`;
    return html`<figure><img src="${source}" alt="${title} of ${run}"><figcaption>${run}</figcaption></figure>`;
  })}</div>`;
}
