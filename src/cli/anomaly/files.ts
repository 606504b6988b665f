// What elbo anomaly leaves: a table of all scores, charts of how they are distributed, and pictures of the worst cases with what is to blame.

import { heat } from "../../data/heat.ts";
import { type Images, pickImages } from "../../data/index.ts";
import { blame, halves, type Judgement, rocPoints, type ScoreName, type ScoresOf, simplified, type Vae } from "../../vae/index.ts";
import { histogramChart } from "../charts/histogram.ts";
import { optionalCharts } from "../charts/optional.ts";
import { rocChart } from "../charts/roc.ts";
import { csv } from "../csv.ts";
import { classOf } from "../examples.ts";
import { gridPng, inColour, valuesIn } from "../pictures.ts";
import { note } from "../terminal.ts";
import type { Parts } from "./parts.ts";

export interface Found {
  readonly normal: ScoresOf;
  readonly others: ScoresOf | undefined;
}

export interface Judged extends Judgement {
  readonly name: ScoreName;
}

interface Work {
  readonly run: string;
  readonly model: Vae;
  readonly parts: Parts;
  readonly found: Found;
  readonly judged: readonly Judged[];
  readonly score: ScoreName;
}

export async function anomalyFiles(work: Work): Promise<Record<string, Uint8Array | string | undefined>> {
  const svgs = work.found.others ? "histogram.svg and roc.svg" : "histogram.svg";
  const draw = await optionalCharts(svgs);
  return {
    "scores.csv": scoresCsv(work),
    "worst.png": await worstPng(work),
    "histogram.svg": draw && (await draw(histogramOf(work))),
    "roc.svg": draw && work.found.others && (await draw(rocOf(work))),
  };
}

/** A line for each image, with its number among the images of its part as they are scored. */
function scoresCsv({ parts: { normal, others }, found, judged }: Work): string {
  const names = judged.map(({ name }) => name);
  const placing = new Set(halves(normal.count).placing);
  const lines = (images: Images | undefined, values: Found["others"], part: (i: number) => string) =>
    Array.from({ length: images?.count ?? 0 }, (_, i) => [part(i), i + 1, classOf(images!, i), ...names.map((name) => values?.[name][i])]);
  const rows = [
    ...lines(normal, found.normal, (i) => (placing.has(i) ? "threshold" : "normal")),
    ...lines(others, found.others, () => "other"),
  ];
  return csv(["part", "image", "class", ...names], rows);
}

const WORST = 16;

/** Rows of three: images, what the model makes of them, and which pixels are to blame, on one scale for all. */
async function worstPng({ model, parts: { normal, others }, found, score }: Work): Promise<Uint8Array> {
  const own = found.normal[score];
  const rest = found.others?.[score];
  const groups: Group[] = [
    ...(others && rest ? [{ what: "other images that score highest", images: others, numbers: ranked(rest, -1) }] : []),
    { what: "normal images that score highest", images: normal, numbers: ranked(own, -1) },
    ...(others && rest ? [{ what: "other images that score lowest", images: others, numbers: ranked(rest, 1) }] : []),
  ];
  const columns = Math.max(...groups.map(({ numbers }) => numbers.length));
  const blamed = await Promise.all(
    groups.map(async ({ images, numbers }) => ({
      images: pickImages(images, numbers),
      ...(await blame(model, pickImages(images, numbers), score)),
    })),
  );
  const most = blamed.reduce((all, { pixels }) => pixels.reduce((a, b) => Math.max(a, b), all), 0);
  const channels = model.shape[2];
  const size = 3 * model.shape[0] * model.shape[1];
  const grid = new Float32Array(3 * groups.length * columns * size); // black where a row is shorter
  blamed.forEach(({ images, pictures, pixels }, g) => {
    [inColour(valuesIn(images), channels), inColour(pictures, channels), heat(pixels, most)].forEach((row, r) => {
      grid.set(row, (3 * g + r) * columns * size);
    });
  });
  note(
    `worst.png, by ${score}, rows of three: image, reconstruction, pixels to blame; from the top ${groups.map(({ what }) => what).join("; ")}`,
  );
  return gridPng({ shape: [model.shape[0], model.shape[1], 3] }, grid, columns);
}

interface Group {
  readonly what: string;
  readonly images: Images;
  readonly numbers: readonly number[];
}

/** The numbers of the images with the highest scores (sign -1) or the lowest (1), the most extreme first. */
const ranked = (values: Float64Array, sign: 1 | -1): number[] =>
  Array.from(values, (_, i) => i)
    .sort((a, b) => sign * (values[a] - values[b]) || a - b)
    .slice(0, WORST);

function histogramOf({ run, parts, found, judged }: Work) {
  const subtitle = `normal: ${parts.what}${found.others ? `; other: ${parts.otherwise}` : ""}; the line is the threshold for false alarms of ${judged[0].threshold.wanted}`;
  return histogramChart(
    `Scores of ${run}`,
    subtitle,
    judged.map(({ name, threshold }) => ({
      title: name,
      groups: { normal: found.normal[name], ...(found.others && { other: found.others[name] }) },
      cut: threshold.value,
    })),
  );
}

function rocOf({ run, parts, found, judged }: Work) {
  const curves = judged.map(({ name, auroc }) => ({
    name: `${name} ${auroc?.toFixed(3)}`,
    points: simplified(rocPoints(found.normal[name], found.others![name])),
  }));
  return rocChart(
    `What ${run} finds`,
    `normal: ${parts.what}; other: ${parts.otherwise}; with the area under each curve`,
    curves,
    judged[0].threshold.wanted,
  );
}
