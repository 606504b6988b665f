// elbo attribute: what a class has and others have not, added to images.

import { type Images, pickImages } from "../../data/index.ts";
import { attributeDirection, withAttribute } from "../../vae/index.ts";
import { loadRun } from "../../vae/run.node.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { limitOption, numbers, trainingAndTest } from "../examples.ts";
import { checkPicture, writeWhole } from "../files.ts";
import { runDataOption } from "../images.ts";
import { type Command, command, flag, real, text, UsageError, whole } from "../options.ts";
import { gridPng, pictureOption, valuesIn } from "../pictures.ts";
import { note, print } from "../terminal.ts";

export const attribute: Command = command({
  name: "attribute",
  summary: "adds what one class has and others have not to the codes of images",
  operands: { run: "the directory of a run, as elbo train leaves it" },
  options: {
    data: runDataOption,
    label: text("CLASS", { default: undefined, help: "the class that has it, by its number or its name; must be given" }),
    against: text("CLASS", { default: undefined, shownDefault: "all others", help: "the class that has it not" }),
    limit: limitOption("find the direction in the first N training images"),
    images: numbers({
      help: "the test images it is added to",
      shownDefault: "the first 8; with --against the first 8 of the two classes",
    }),
    reach: real({
      ...{ accepts: (x: number) => x > 0, wanted: "a number above 0", default: 1.5 },
      help: "from so much of it taken away to so much added; 1 is the distance between the two classes' means",
    }),
    steps: whole({ min: 2, max: 100, default: 9, help: "strengths, at equal distances" }),
    out: pictureOption("attribute.png"),
    ...deviceOptions,
    json: flag({ help: "print one JSON object: where the picture is, what is on it, and the direction" }),
  },
  examples: ["elbo attribute runs/faces --label smile", "elbo attribute runs/digits-dense-1 --label 7 --against 1"],
  async run({ run, data, label, against, limit, images: wanted, reach, steps, out, json, ...settings }) {
    if (label === undefined) throw new UsageError("--label is missing: the class that has the attribute, by its number or its name");
    checkPicture(out);
    const loaded = await loadRun(run);
    const { model } = loaded;
    const { train, test } = await trainingAndTest(run, loaded, data, limit);
    const a = numberOf("--label", label, train);
    const b = against === undefined ? undefined : numberOf("--against", against, train);
    const shown = wanted ?? firstOf(test, b === undefined ? undefined : [a, b]);
    const beyond = shown.find((n) => n > test.count);
    if (beyond !== undefined) throw new Error(`--images ${beyond} is more than the ${test.count} test images of ${test.name}`);
    const examples = pickImages(
      test,
      shown.map((n) => n - 1),
    );

    await using _device = await openDevice(settings);
    const found = await attributeDirection(model, train, { label: a, against: b });
    const strengths = Array.from({ length: steps }, (_, i) => reach * ((2 * i) / (steps - 1) - 1));
    const changed = await withAttribute(model, examples, found, strengths);
    writeWhole(out, gridPng(model, besideOriginals(examples, changed, steps), 1 + steps));

    const length = Math.hypot(...found.direction);
    const rest = b === undefined ? "of all others" : `of class ${against}`;
    note(
      `the mean code of ${found.with} training images of class ${label} minus that of ${found.without} ${rest}, length ${length.toFixed(2)};`,
    );
    note(`on the left test images ${shown.join(", ")}, then with -${reach} to ${reach} times that added:`);
    const all = { label: a, against: b ?? null, with: found.with, without: found.without, length, direction: Array.from(found.direction) };
    print(json ? JSON.stringify({ out, run, ...all, images: shown, strengths }) : out);
  },
});

/** The class that a word names: by its name, or else by its number. */
function numberOf(option: string, word: string, { classes, name, labels }: Images): number {
  if (!labels) throw new Error(`${option}: ${name} has no labels, by which an attribute is found`);
  const named = classes?.indexOf(word) ?? -1;
  if (named >= 0) return named;
  if (/^\d{1,3}$/.test(word)) return Number(word);
  throw new Error(
    `${option} "${word}": ${classes ? `${name} has the classes ${classes.join(", ")}` : `the classes of ${name} have no names; give a number`}`,
  );
}

const ROWS = 8;

/** The numbers, from 1, of the first images; of those of some classes, if any are named. */
function firstOf({ count, labels }: Images, classes: readonly number[] | undefined): number[] {
  const all = Array.from({ length: count }, (_, i) => i + 1);
  return all.filter((n) => !classes || !labels || classes.includes(labels[n - 1])).slice(0, ROWS);
}

/** A row for each image: itself, then what was made of it. */
function besideOriginals(images: Images, made: Float32Array, columns: number): Float32Array {
  const originals = valuesIn(images);
  const size = originals.length / images.count;
  const grid = new Float32Array(originals.length + made.length);
  for (let i = 0; i < images.count; i++) {
    const at = i * (1 + columns) * size;
    grid.set(originals.subarray(i * size, (i + 1) * size), at);
    grid.set(made.subarray(i * columns * size, (i + 1) * columns * size), at + size);
  }
  return grid;
}
