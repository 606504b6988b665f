// elbo map: the codes of a trained model as points on a plane.

import { setImmediate } from "node:timers/promises";
import { firstRows, mapByPca, mapByUmap, type PlaneMap, type UmapLibrary } from "../../vae/index.ts";
import { loadRun } from "../../vae/run.node.ts";
import type { Rows } from "../../vae/statistics/rows.ts";
import { optionalCharts } from "../charts/optional.ts";
import { scatterChart } from "../charts/scatter.ts";
import { busy, type CodesOfRun, codesOf } from "../codes.ts";
import { csv } from "../csv.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { limitOption } from "../examples.ts";
import { checkFolder, folderOption, writeFolder } from "../folder.ts";
import { runDataOption } from "../images.ts";
import { type Command, choice, command, flag, type Option, whole } from "../options.ts";
import { isTerminal, note, print, showLive } from "../terminal.ts";
import { clustersOf, clustersOption } from "./cluster.ts";

const colorOption: Option<"label" | "cluster" | undefined> = {
  ...choice(["label", "cluster"], { default: "label", help: "what the colours are: labels, or the groups that elbo cluster finds" }),
  default: undefined,
  shownDefault: "label where there are labels, else cluster",
};

export const map: Command = command({
  name: "map",
  summary: "draws the codes of test images as points on a plane, coloured by label or by group",
  operands: { run: "the directory of a run, as elbo train leaves it" },
  options: {
    method: choice(["pca", "umap"], {
      default: "pca",
      help: "principal components; or UMAP, which keeps neighbours together (npm install umap-js)",
    }),
    color: colorOption,
    clusters: clustersOption,
    count: whole({ min: 3, max: 100_000, default: 2000, help: "at most so many points" }),
    neighbors: whole({ min: 2, max: 200, default: 15, help: "umap: images that count as near each image" }),
    data: runDataOption,
    limit: limitOption("the first N images of each part"),
    seed: whole({ min: 0, max: 2 ** 32 - 1, default: 1, help: "of groups and of umap; the same seed draws the same map" }),
    json: flag({ help: "one JSON object instead of text" }),
    out: folderOption("map"),
    ...deviceOptions,
  },
  examples: ["elbo map runs/digits-dense-1", "elbo map runs/digits-dense-1 --method umap --count 5000"],
  async run({ run, method, color, clusters, count, neighbors, data, limit, seed, json, out, ...settings }) {
    checkFolder(out);
    const Umap = method === "umap" ? await umapLibrary() : undefined;
    const loaded = await loadRun(run);
    if (loaded.model.latent === 1) throw new Error(`${run}: one latent lies on a line; a map takes two or more`);
    await using _device = await openDevice(settings);
    const codes = await codesOf(run, loaded, data, limit);
    const { test, classes } = codes;
    const rows = firstRows(test.rows, count);
    if (rows.count < test.rows.count) note(`the first ${rows.count} of ${test.rows.count} test images; --count takes more`);
    const by = color ?? (classes ? "label" : "cluster");
    const { groups, names } = await coloursOf(codes, by, clusters, seed);
    const { points, axes } = Umap ? await byUmap(Umap, rows, neighbors, seed) : await mapByPca(rows);

    const draw = await optionalCharts("map.svg");
    const subtitle = `${rows.count} test images of ${test.images.name}, ${Umap ? `${neighbors} neighbors, seed ${seed}` : "means of q(z|x)"}`;
    const chart = scatterChart({ title: `Codes of ${run}`, subtitle, axes, points, groups, names, legend: by });
    const files = writeFolder(out, { "map.svg": await draw?.(chart), "map.csv": table(points, groups, names, by) });
    const report = { run, method, color: by, count: rows.count, axes, files };
    if (json) return print(JSON.stringify(report));
    note(`${rows.count} codes of ${run}: ${axes.join(" and ")}`);
    for (const file of files) print(file);
  },
});

/** The group of each test image, and the names of groups. */
async function coloursOf(codes: CodesOfRun, by: "label" | "cluster", clusters: number | undefined, seed: number) {
  const { test, classes } = codes;
  if (by === "label") {
    if (!test.labels || !classes) throw new Error(`--color label: ${test.images.name} has no labels; --color cluster takes groups`);
    return { groups: test.labels, names: classes };
  }
  const found = await clustersOf(codes, clusters, { seed });
  return { groups: found.assign(test.rows), names: Array.from({ length: found.count }, (_, i) => `${i}`) };
}

async function umapLibrary(): Promise<UmapLibrary> {
  try {
    return (await import("umap-js")).UMAP;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Error("--method umap needs a package that is not here: npm install umap-js; --method pca needs none", { cause: error });
  }
}

async function byUmap(Umap: UmapLibrary, rows: Rows, neighbors: number, seed: number): Promise<PlaneMap> {
  if (neighbors >= rows.count) throw new Error(`--neighbors ${neighbors}: there are only ${rows.count} images; take fewer neighbors`);
  const progress = async (done: number, total: number) => {
    if (done % 10 > 0) return;
    if (isTerminal()) showLive(`umap: step ${done} of ${total}`);
    await setImmediate(); // so that Ctrl-C is heard
  };
  return await busy(`umap: looking for the neighbors of ${rows.count} codes`, () => mapByUmap(Umap, rows, { neighbors, seed, progress }));
}

function table(points: Float64Array, groups: ArrayLike<number>, names: readonly string[], by: string): string {
  const rows = Array.from({ length: points.length / 2 }, (_, i) => [
    i + 1,
    Math.fround(points[2 * i]),
    Math.fround(points[2 * i + 1]),
    names[groups[i]],
  ]);
  return csv(["image", "x", "y", by], rows);
}
