// elbo cluster: groups among the codes of a trained model, made without a look at the labels; and how they agree with those, if there are any.

import {
  type ClusterAgreement,
  type ClusterOptions,
  type Clusters,
  clusterAgreement,
  clusterRows,
  decodeLatents,
  firstRows,
  mapByPca,
  nearestMembers,
  sizesOf,
  type Vae,
} from "../../vae/index.ts";
import { loadRun } from "../../vae/run.node.ts";
import { optionalCharts } from "../charts/optional.ts";
import { scatterChart } from "../charts/scatter.ts";
import { busy, type Codes, type CodesOfRun, codesOf } from "../codes.ts";
import { csv } from "../csv.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { limitOption } from "../examples.ts";
import { checkFolder, folderOption, writeFolder } from "../folder.ts";
import { runDataOption } from "../images.ts";
import { type Command, choice, columns, command, flag, type Option, whole } from "../options.ts";
import { gridPng } from "../pictures.ts";
import { note, print } from "../terminal.ts";

export const clustersOption: Option<number | undefined> = whole({
  ...{ min: 1, max: 1000, default: undefined, shownDefault: "as many as there are labels, else 10" },
  help: "how many groups",
});

export const cluster: Command = command({
  name: "cluster",
  summary: "groups images by their codes, and says how the groups agree with labels that they did not see",
  operands: { run: "the directory of a run, as elbo train leaves it" },
  options: {
    clusters: clustersOption,
    method: choice(["kmeans", "mixture"], {
      default: "kmeans",
      help: "round groups, or a mixture of normals of any shape, which takes longer",
    }),
    data: runDataOption,
    limit: limitOption("the first N images of each part"),
    seed: whole({ min: 0, max: 2 ** 32 - 1, default: 1, help: "of the starts; the same seed finds the same groups" }),
    json: flag({ help: "one JSON object instead of a table" }),
    out: folderOption("cluster"),
    ...deviceOptions,
  },
  examples: ["elbo cluster runs/digits-dense-1 --clusters 20", "elbo cluster runs/digits-dense-1 --method mixture --json"],
  async run({ run, clusters: asked, method, data, limit, seed, json, out, ...settings }) {
    checkFolder(out);
    const loaded = await loadRun(run);
    await using _device = await openDevice(settings);
    const codes = await codesOf(run, loaded, data, limit);
    const found = await clustersOf(codes, asked, { method, seed });
    const { train, test, classes } = codes;
    const assigned = found.assign(test.rows);
    const agreement = test.labels && clusterAgreement(assigned, test.labels, found.count);
    const report = {
      ...{ run, method, clusters: found.count, train: train.rows.count, test: test.rows.count },
      ...(agreement && { adjustedRand: agreement.adjustedRand, normalizedMutualInformation: agreement.normalizedMutualInformation }),
      groups: groupsOf(sizesOf(found.assign(train.rows), found.count), sizesOf(assigned, found.count), agreement, classes),
    };
    const files = writeFolder(out, {
      "clusters.png": await examplesPng(loaded.model, found, test, assigned, agreement),
      "clusters.csv": assignments(codes, found),
      "clusters.svg": await scatterSvg(run, test, found, assigned, report.groups),
    });
    if (json) return print(JSON.stringify({ ...report, files }));
    if (loaded.model.classes > 0) note(`${run} is conditional: its encoder was told the labels, and need not keep them in the codes`);
    print(table(report.groups, agreement, test.rows.count));
    note("each row of clusters.png is a group: the picture of its center, then the test images nearest to that");
    for (const file of files) print(file);
  },
});

/** The groups that the command finds among the training codes; `elbo map` colours by the same ones. */
export async function clustersOf({ train, classes }: CodesOfRun, asked: number | undefined, options: ClusterOptions): Promise<Clusters> {
  const count = asked ?? (classes ? new Set(train.labels).size : Math.min(10, train.rows.count));
  if (count > train.rows.count) throw new Error(`--clusters ${count}: there are only ${train.rows.count} training images`);
  const most = options.method === "mixture" ? Math.max(MOST_FITTED, count) : train.rows.count;
  if (most < train.rows.count) note(`the mixture is fitted to the first ${most} of ${train.rows.count} training codes`);
  return await busy(`dividing ${train.rows.count} codes into ${count} groups`, () => clusterRows(train.rows, count, { ...options, most }));
}

const MOST_FITTED = 20_000; // a step of a mixture costs the square of the latents for each row and group, and more rows change little

interface Group {
  readonly cluster: number;
  /** Images of each part. */
  readonly train: number;
  readonly test: number;
  /** The label that most of its test images have, and their share. */
  readonly label?: string;
  readonly share?: number;
}

function groupsOf(
  train: number[],
  test: number[],
  agreement: ClusterAgreement | undefined,
  classes: readonly string[] | undefined,
): Group[] {
  return train.map((size, i) => {
    const most = agreement?.frequent[i];
    return { cluster: i, train: size, test: test[i], ...(most && classes && { label: classes[most.label], share: most.share }) };
  });
}

function table(groups: readonly Group[], agreement: ClusterAgreement | undefined, count: number): string {
  const lines = groups.map(({ cluster, train, test, label, share }) => [
    `group ${cluster}`,
    `${train} training images, ${test} test images${label === undefined ? "" : `, of which ${percent(share!)} have label ${label}`}`,
  ]);
  if (!agreement) return columns(lines);
  const rand = agreement.adjustedRand.toFixed(3).replace(/^-0\.000$/, "0.000");
  const information = agreement.normalizedMutualInformation.toFixed(3);
  return `${columns(lines)}\nwith the labels of ${count} test images: adjusted Rand index ${rand}, normalized mutual information ${information}`;
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

const EXAMPLES = 15;

/** A row for each group: what the decoder makes of its center, then the nearest test images. */
async function examplesPng(
  model: Vae,
  found: Clusters,
  { images, rows }: Codes,
  assigned: Uint32Array,
  agreement: ClusterAgreement | undefined,
) {
  // A conditional model is told a class: the one that most of the group have.
  const told =
    model.classes > 0 ? { labels: Array.from({ length: found.count }, (_, i) => agreement?.frequent[i]?.label ?? 0) } : undefined;
  const centers = await decodeLatents(model, Float32Array.from(found.centers), told);
  const size = images.height * images.width * images.channels;
  const pictures = new Float32Array(found.count * (1 + EXAMPLES) * size); // black where a group has fewer
  nearestMembers(rows, found, assigned, EXAMPLES).forEach((numbers, row) => {
    const at = row * (1 + EXAMPLES) * size;
    pictures.set(centers.subarray(row * size, (row + 1) * size), at);
    numbers.forEach((from, i) => {
      for (let j = 0; j < size; j++) pictures[at + (1 + i) * size + j] = images.pixels[from * size + j] / images.white;
    });
  });
  return gridPng(model, pictures, 1 + EXAMPLES);
}

function assignments({ train, test, classes }: CodesOfRun, found: Clusters): string {
  const parts = test === train ? { train } : { train, test };
  const rows = Object.entries(parts).flatMap(([part, { rows, labels }]) =>
    Array.from(found.assign(rows), (cluster, i) => [part, i + 1, cluster, labels && classes?.[labels[i]]]),
  );
  return csv(["part", "image", "cluster", "label"], rows);
}

const MOST_POINTS = 2000; // a drawing of more is slow to open, and its points hide each other

/** The test codes on the plane of their principal components. */
async function scatterSvg(run: string, { rows }: Codes, found: Clusters, assigned: Uint32Array, groups: readonly Group[]) {
  const draw = rows.columns > 1 && (await optionalCharts("clusters.svg"));
  if (!draw) return undefined;
  const shown = firstRows(rows, MOST_POINTS);
  const { points, axes } = await mapByPca(shown);
  const names = groups.map(({ cluster, label, share }) => `${cluster}${label === undefined ? "" : `: ${label} (${percent(share!)})`}`);
  const subtitle = `codes of ${shown.count} test images; ${found.count} groups found among training codes`;
  return await draw(scatterChart({ title: `Groups in ${run}`, subtitle, axes, points, groups: assigned, names, legend: "group" }));
}
