// The kernels of a reduction: which file folds, how many invocations share a result; and, where there are few results of many elements,
// how each fold is cut into pieces that a second dispatch merges.

import { type Shape, size } from "../../../tensor/shape.ts";
import type { Reduce } from "../../op.ts";
import reduce from "../../reduce/reduce.wgsl.ts";
import reduceSubgroup from "../../reduce/reduce-subgroup.wgsl.ts";
import reduceWorkgroup from "../../reduce/reduce-workgroup.wgsl.ts";
import { type Index, Writer } from "./emit.ts";
import type { Target } from "./kernel.ts";
import type { Source } from "./link.ts";
import { folded, type KernelCode, type Writing } from "./writing.ts";

const reduceFile: Source = { file: "reduce/reduce.wgsl", text: reduce };
const reduceWorkgroupFile: Source = { file: "reduce/reduce-workgroup.wgsl", text: reduceWorkgroup };
const reduceSubgroupFile: Source = { file: "reduce/reduce-subgroup.wgsl", text: reduceSubgroup };

/** n results of r elements each. `along`: neighbours in memory belong to one result, not to neighbouring ones. */
interface Folds {
  readonly n: number;
  readonly r: number;
  readonly along: boolean;
}

export function reductionCode(write: () => Writing, target: Target): readonly KernelCode[] {
  const folds = foldsOf(write());
  const { pieces, length } = piecesOf(folds, target);
  if (pieces === 1) return [wholeCode(write(), folds, target)];
  const codes = [pieceCode(write(), folds, length, pieces, target), mergingCode(write(), folds, pieces, target)];
  // The pieces are one buffer more. Whoever binds all there are already, keeps the folds in one piece.
  return codes.every(({ bindings }) => bindings.length <= target.buffers) ? codes : [wholeCode(write(), folds, target)];
}

function foldsOf(writing: Writing): Folds {
  const { shape, axes } = domainOf(writing);
  const last = shape.findLastIndex((d) => d !== 1);
  return {
    n: writing.node(writing.kernel.cores[0]).size,
    r: size(axes.map((axis) => shape[axis])),
    along: last < 0 || axes.includes(last),
  };
}

// By reasoning, from how long memory takes to answer and how many invocations keep it busy: not yet measured on a GPU.
const SHORT = 8; // elements that one invocation folds as soon as several would
const MANY = 1 << 15; // results that occupy a GPU, one for each invocation
const ROUNDS = 32; // elements of an invocation, four at a time: more than that take longer than a second dispatch
const GROUPS = 1024; // workgroups that keep the memory of a large GPU busy

// Where each invocation folds alone, on a driver in software: measured with SwiftShader, which computes four invocations at once on each core.
const INVOCATIONS = 256;
const RUN = 1024; // elements

/** How many results a workgroup of 256 makes; 0: each invocation makes its own. */
function resultsOf({ n, r, along }: Folds, { family }: Target): number {
  if (family === "simple" || r < SHORT || (!along && n >= MANY)) return 0;
  const atLeast = (count: number) => 2 ** Math.ceil(Math.log2(count));
  return along ? 256 / Math.min(256, atLeast(Math.ceil(r / 4))) : Math.min(32, atLeast(n));
}

/** Depends on the shape only, and so does the order in which a fold is made. */
function piecesOf(folds: Folds, target: Target): { pieces: number; length: number } {
  const { n, r } = folds;
  const results = resultsOf(folds, target);
  const [lanes, groups] = results === 0 ? [1, n] : [256 / results, Math.ceil(n / results)];
  const isLong = results > 0 && r > ROUNDS * lanes && 2 * groups < GROUPS;
  const isLongAlone = target.family === "simple" && r >= 2 * RUN && 2 * n <= INVOCATIONS;
  let wanted = 1;
  if (isLong) wanted = Math.min(Math.ceil(GROUPS / groups), Math.ceil((4 * r) / (ROUNDS * lanes)));
  if (isLongAlone) wanted = Math.min(Math.ceil(INVOCATIONS / n), Math.ceil(r / RUN));
  wanted = target.parts ?? wanted;
  const length = Math.ceil(r / Math.max(1, Math.min(wanted, r)));
  return { pieces: n === 0 || r === 0 ? 1 : Math.ceil(r / length), length };
}

function wholeCode(writing: Writing, folds: Folds, target: Target): KernelCode {
  sizes(writing, folds);
  return finished(writing, folds, target, [visiting(writing, folds.r, "i", "j"), finishing(writing)]);
}

/** The first dispatch: results are the pieces, [piece, i], and what they come to is left as it is. */
function pieceCode(writing: Writing, { n, r, along }: Folds, length: number, pieces: number, target: Target): KernelCode {
  const folds = { n: pieces * n, r: length, along };
  sizes(writing, folds);
  const first = [
    `let i = row % ${writing.uniforms.dim(n)};`,
    `let j = row / ${writing.uniforms.dim(n)} * ${writing.uniforms.dim(length)} + step;`,
    ...(pieces * length > r ? [`if (j >= ${writing.uniforms.dim(r)}) { return identity(); }`] : []),
  ];
  const visit = visiting(writing, r, "row", "step", first);
  writing.bindScratch("pieces", pieces * n * wordsOf(writing), true, "Acc");
  return finished(writing, folds, target, [visit, "fn finish(i: u32, acc: Acc) { pieces[i] = acc; }"]);
}

/** The second: they are merged, and stored as the fold would have been. */
function mergingCode(writing: Writing, { n }: Folds, pieces: number, target: Target): KernelCode {
  const folds = { n, r: pieces, along: false };
  sizes(writing, folds);
  const finish = finishing(writing);
  writing.bindScratch("pieces", pieces * n * wordsOf(writing), false, "Acc");
  return finished(writing, folds, target, ["fn visit(i: u32, j: u32) -> Acc { return pieces[j * size.n + i]; }", finish]);
}

function sizes({ uniforms }: Writing, { n, r }: Folds): void {
  uniforms.field("n", n);
  uniforms.field("r", r);
}

/** The file that serves, with what is folded. */
function finished(writing: Writing, folds: Folds, target: Target, functions: readonly string[]): KernelCode {
  const results = resultsOf(folds, target);
  const all = [...accumulator(writing), ...functions];
  if (results === 0) return writing.finish(reduceFile, all, folded(folds.n, 64));
  if (results === 1 && target.subgroups) return writing.finish(reduceSubgroupFile, [...all, acrossOf(writing)], folded(folds.n, 1));
  const constants = [`const RESULTS = ${results}u;`, `const ALONG = ${folds.along};`];
  return writing.finish(reduceWorkgroupFile, [...constants, ...all], folded(folds.n, results));
}

const domainOf = (writing: Writing) => {
  const t = writing.node(writing.kernel.cores[0]);
  return (t.op as Reduce).domain(t);
};

/** What is carried along: a field for each fold. */
const fieldsOf = (writing: Writing) =>
  writing.kernel.cores.map((core, which) => {
    const t = writing.node(core);
    return { core, t, op: (t.op as Reduce).wgsl, field: `a${which}` };
  });

const wordsOf = (writing: Writing): number => fieldsOf(writing).reduce((n, { op }) => n + (op.type === "Best" ? 2 : 1), 0);

function accumulator(writing: Writing): string[] {
  const fields = fieldsOf(writing);
  return [
    `struct Acc { ${fields.map(({ op, field }) => `${field}: ${op.type}`).join(", ")} }`,
    `fn identity() -> Acc { return Acc(${fields.map(({ op }) => op.identity).join(", ")}); }`,
    `fn merge(a: Acc, b: Acc) -> Acc { return Acc(${fields.map(({ op, field }) => op.merge(`a.${field}`, `b.${field}`)).join(", ")}); }`,
  ];
}

/** Numbers go from invocation to invocation, structs do not. */
function acrossOf(writing: Writing): string {
  const shuffled = (value: string) => `subgroupShuffleXor(${value}, mask)`;
  const fields = fieldsOf(writing).map(({ op, field }) => {
    const value = `acc.${field}`;
    return op.type === "Best" ? `Best(${shuffled(`${value}.value`)}, ${shuffled(`${value}.index`)})` : shuffled(value);
  });
  return `fn across(acc: Acc, mask: u32) -> Acc { return Acc(${fields.join(", ")}); }`;
}

/** What enters the fold at element j of result i, which `first` finds if they have other names; and what is stored there on the way. */
function visiting(writing: Writing, r: number, row: string, step: string, first: readonly string[] = []): string {
  const { shape, axes } = domainOf(writing);
  const writer = new Writer(writing);
  const here = visited(writer, shape, axes, r);
  const stores = writing.stores(writer, writing.kernel.inner, (i) => writer.stretched(writing.node(i).shape, here));
  const entering = fieldsOf(writing).map(({ t, op }) => op.visit(writer, t, here));
  return writing.function(`visit(${row}: u32, ${step}: u32) -> Acc`, writer, [...stores, `return Acc(${entering.join(", ")});`], first);
}

/** What is computed from the folds of result i, and where it goes. */
function finishing(writing: Writing): string {
  const { cores, outer } = writing.kernel;
  const given = new Map(fieldsOf(writing).map(({ core, op, field }) => [core, op.result(`acc.${field}`)]));
  const writer = new Writer(writing, given);
  const results = writing.stores(writer, [...cores, ...outer], (i) => writer.at(writing.node(i).shape, "i"));
  return writing.function("finish(i: u32, acc: Acc)", writer, results);
}

/** The place of the j-th visited element of result i. */
function visited(writer: Writer, shape: Shape, axes: readonly number[], r: number): Index {
  const stays = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const last = axes.every((axis, which) => axis === shape.length - axes.length + which);
  if (stays.length === 0) return writer.at(shape, "j");
  if (last) return writer.at(shape, writer.name(`i * ${writer.dim(r)} + j`));
  const coords: string[] = [];
  const place = (axesOf: readonly number[], linear: string) => {
    const sizes = axesOf.map((axis) => shape[axis]);
    writer
      .at(sizes, linear)
      .coords()
      .forEach((c, which) => {
        coords[axesOf[which]] = c;
      });
  };
  place(stays, "i");
  place(axes, "j");
  return writer.at(shape, coords);
}
