// elbo embed: the codes of images as files for other tools, and what a linear classifier can see in them.

import { linearProbe, type Probe, pixelComponents, type Rows } from "../../vae/index.ts";
import { loadRun } from "../../vae/run.node.ts";
import { busy, type Codes, type CodesOfRun, codesOf } from "../codes.ts";
import { csv } from "../csv.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { limitOption } from "../examples.ts";
import { checkPicture as checkFile, writeWhole } from "../files.ts";
import { checkFolder, writeFolder } from "../folder.ts";
import { runDataOption } from "../images.ts";
import { encodeNpy } from "../npy.ts";
import { type Command, choice, command, flag, text } from "../options.ts";
import { note, print } from "../terminal.ts";

export const embed: Command = command({
  name: "embed",
  summary: "writes the codes of images for other tools, and says how well a linear classifier reads the labels from them",
  operands: { run: "the directory of a run, as elbo train leaves it" },
  options: {
    part: choice(["train", "test"], {
      default: "test",
      help: "whose codes are written: of the images trained on, or of those for testing",
    }),
    data: runDataOption,
    limit: limitOption("the first N images of each part"),
    json: flag({ help: "one JSON object instead of text" }),
    out: text("DIR|FILE.npy", {
      default: "embed",
      help: "a folder for codes.npy, logvar.npy, labels.npy and codes.csv; or one file for the codes alone",
    }),
    ...deviceOptions,
  },
  examples: ["elbo embed runs/digits-dense-1 --part train", "elbo embed runs/digits-dense-1 --out codes.npy"],
  async run({ run, part, data, limit, json, out, ...settings }) {
    const isFile = out.toLowerCase().endsWith(".npy");
    if (isFile) checkFile(out);
    else checkFolder(out);
    const loaded = await loadRun(run);
    await using _device = await openDevice(settings);
    const codes = await codesOf(run, loaded, data, limit);
    const own = codes[part];
    const npy = encodeNpy(Float32Array.from(own.rows.values), [own.rows.count, own.rows.columns]);
    if (isFile) writeWhole(out, npy);
    const files = isFile ? [out] : writeFolder(out, { "codes.npy": npy, ...others(own, codes.classes) });
    const probes = await probesOf(codes);
    const report = { run, part, count: own.rows.count, latent: own.rows.columns, ...probes, files };
    if (json) return print(JSON.stringify(report));
    note(`${own.rows.count} codes of ${own.rows.columns} numbers, the means of q(z|x) for the ${part} images of ${own.images.name}`);
    if (loaded.model.classes > 0) note(`${run} is conditional: its encoder was told the labels, and need not keep them in the codes`);
    if (probes) for (const line of lines(probes, own.rows.columns)) print(line);
    for (const file of files) print(file);
  },
});

function others(
  { rows, logVariances, labels }: Codes,
  classes: readonly string[] | undefined,
): Record<string, Uint8Array | string | undefined> {
  const { values, count, columns } = rows;
  const names = Array.from({ length: columns }, (_, j) => `z${j}`);
  const line = (i: number) => [...values.subarray(i * columns, (i + 1) * columns), ...(labels ? [classes?.[labels[i]]] : [])];
  return {
    "logvar.npy": encodeNpy(Float32Array.from(logVariances.values), [count, columns]),
    "labels.npy": labels && encodeNpy(labels, [count]),
    "codes.csv": csv(
      [...names, ...(labels ? ["label"] : [])],
      Array.from({ length: count }, (_, i) => line(i)),
    ),
  };
}

interface Probes {
  readonly probe: Probe;
  /** The same for as many principal components of the pixels. */
  readonly pixels: Probe & { readonly components: number };
}

/** The probes, where there are labels and images to test on; else undefined, and why. */
async function probesOf({ train, test, classes }: CodesOfRun): Promise<Probes | undefined> {
  if (!train.labels || !test.labels || !classes) {
    note(`${train.images.name} has no labels, so there is nothing for a linear probe to tell`);
    return undefined;
  }
  if (new Set(train.labels).size < 2) {
    note("all training images have one label, so there is nothing for a linear probe to tell");
    return undefined;
  }
  const size = train.images.height * train.images.width * train.images.channels;
  const components = Math.min(train.rows.columns, size, train.rows.count);
  const pixels = await busy(`principal components of ${train.images.count} images`, () =>
    pixelComponents(train.images, test.images, components),
  );
  return await busy(`fitting linear classifiers to ${train.rows.count} images`, () => {
    const fit = (a: Rows, b: Rows) => linearProbe({ rows: a, labels: train.labels! }, { rows: b, labels: test.labels! });
    return { probe: fit(train.rows, test.rows), pixels: { components, ...fit(pixels.train, pixels.test) } };
  });
}

function lines({ probe, pixels }: Probes, latent: number): string[] {
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  const line = (what: string, { train, test, settled }: Probe) =>
    `  ${what.padEnd(44)}${percent(test)} of test images, ${percent(train)} of training images${settled ? "" : " (the fit did not settle)"}`;
  return [
    "a linear classifier, fitted to training images, is right about",
    line(`from ${latent} latents`, probe),
    line(`from ${pixels.components} principal components of pixels`, pixels),
    `  ${"always saying the most frequent label".padEnd(44)}${percent(probe.chance)} of test images`,
  ];
}
