// elbo neighbours: the training images nearest to others.

import { type Images, pickImages } from "../../data/index.ts";
import { type Neighbours, nearestImages, type Run, sampleImages } from "../../vae/index.ts";
import { loadRun } from "../../vae/run.node.ts";
import { type Space, spaces } from "../../vae/tasks/neighbours.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { classOf, limitOption, numbers, trainingAndTest } from "../examples.ts";
import { checkPicture, writeWhole } from "../files.ts";
import { runDataOption } from "../images.ts";
import { type Command, choice, command, flag, UsageError, whole } from "../options.ts";
import { gridPng, pictureOption, valuesIn } from "../pictures.ts";
import { note, print } from "../terminal.ts";

export const neighbours: Command = command({
  name: "neighbours",
  summary: "shows the training images nearest to others, or to samples of a model",
  operands: { run: "the directory of a run, as elbo train leaves it" },
  options: {
    data: runDataOption,
    images: numbers({ help: "the test images whose neighbours are looked for", shownDefault: "the first 8" }),
    samples: flag({ help: "look for the neighbours of samples from the prior instead" }),
    count: whole({
      min: 1,
      max: 1000,
      default: undefined,
      shownDefault: "8",
      help: "samples: how many; else the first so many test images",
    }),
    nearest: whole({ min: 1, max: 100, default: 8, help: "neighbours of each" }),
    space: choice([...spaces, "both"], {
      default: "both",
      help: "where distances are: between codes, between pixels; both gives a row each",
    }),
    limit: limitOption("search the first N training images"),
    seed: whole({ min: 0, max: 2 ** 32 - 1, default: 1, help: "of the samples" }),
    out: pictureOption("neighbours.png"),
    ...deviceOptions,
    json: flag({ help: "print one JSON object per line: each row's neighbours and distances, then the end" }),
  },
  examples: ["elbo neighbours runs/digits-dense-1 --images 3,8", "elbo neighbours runs/digits-dense-1 --samples --space pixels"],
  async run({ run, data, images: wanted, samples, count, nearest, space, limit, seed, out, json, ...settings }) {
    if (wanted && (samples || count !== undefined)) throw new UsageError(`--images: of no use with ${samples ? "--samples" : "--count"}`);
    checkPicture(out);
    const loaded = await loadRun(run);
    const { model } = loaded;
    const { train, test } = await trainingAndTest(run, loaded, data, limit);
    const numbered = wanted ?? Array.from({ length: count ?? Math.min(FEW, samples ? FEW : test.count) }, (_, i) => i + 1);
    const beyond = samples ? undefined : numbered.find((n) => n > test.count);
    if (beyond !== undefined) {
      throw new Error(`${wanted ? "--images" : "--count"} ${beyond} is more than the ${test.count} test images of ${test.name}`);
    }
    if (nearest > train.count) throw new Error(`--nearest ${nearest} is more than the ${train.count} training images of ${train.name}`);
    await using _device = await openDevice(settings);
    const queries = samples
      ? await sampled(loaded, train, numbered.length, seed)
      : pickImages(
          test,
          numbered.map((n) => n - 1),
        );

    const where: readonly Space[] = space === "both" ? spaces : [space];
    const found = new Map<Space, Neighbours>();
    for (const each of where) found.set(each, await nearestImages(model, queries, train, { count: nearest, space: each }));
    const rows = numbered.flatMap((number, i) => where.map((each) => ({ number, i, space: each, ...rowOf(found.get(each)!, i) })));
    writeWhole(out, gridPng(model, drawn(queries, train, rows), 1 + nearest));

    const what = samples ? `${numbered.length} samples of ${run}, seed ${seed}` : `test images ${numbered.join(", ")}`;
    note(`on the left ${what}; beside each the nearest of ${train.count} training images of ${train.name},`);
    note(space === "both" ? "above by the distance of codes, below by that of pixels:" : `by the distance of ${CALLED[space]}:`);
    if (json) {
      for (const { number, i, space, numbers, distances } of rows) {
        const near = Array.from(numbers, (n, j) => ({ image: n + 1, class: classOf(train, n) ?? null, distance: distances[j] }));
        print(JSON.stringify({ [samples ? "sample" : "image"]: number, class: classOf(queries, i) ?? null, space, neighbours: near }));
      }
    }
    print(json ? JSON.stringify({ out, run, searched: train.count }) : out);
  },
});

const FEW = 8;
const CALLED = { code: "codes, the means of q(z|x)", pixels: "pixels" };

interface Row {
  /** Of the query, among the queries. */
  readonly i: number;
  readonly numbers: Uint32Array;
  readonly distances: Float64Array;
}

const rowOf = ({ numbers, distances, count }: Neighbours, i: number): Omit<Row, "i"> => ({
  numbers: numbers.subarray(i * count, (i + 1) * count),
  distances: distances.subarray(i * count, (i + 1) * count),
});

/** Samples as images, as they would be read from a file: in bytes. */
async function sampled({ model }: Run, like: Images, count: number, seed: number): Promise<Images> {
  const pixels = Uint8Array.from(await sampleImages(model, { count, seed }), (v) => Math.round(255 * Math.min(1, Math.max(0, v))));
  const labels = model.classes > 0 ? Uint8Array.from({ length: count }, (_, i) => i % model.classes) : undefined; // as they are drawn
  return { ...like, pixels, labels, count, white: 255, name: "samples" };
}

/** A row for each query: itself, then its neighbours. */
function drawn(queries: Images, among: Images, rows: readonly Row[]): Float32Array {
  const asked = valuesIn(queries);
  const size = asked.length / queries.count;
  const pictures = rows.flatMap(({ i, numbers }) => [
    asked.subarray(i * size, (i + 1) * size),
    valuesIn(pickImages(among, Array.from(numbers))),
  ]);
  const grid = new Float32Array(pictures.reduce((sum, values) => sum + values.length, 0));
  let at = 0;
  for (const values of pictures) {
    grid.set(values, at);
    at += values.length;
  }
  return grid;
}
