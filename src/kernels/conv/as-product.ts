// The three members of the convolution family as matrix products, which is how the fast devices compute them: sizes, and for
// WGSL which element each place of the operands stands for. Nothing is copied there ("implicit GEMM"); the processor copies
// patches of the image to where they are multiplied (patches.wasm.ts).
//
//   y = patches · w            rows n i j,   columns o,   inner u v c
//   dw = patchesᵀ · y          rows u v c,   columns o,   inner n i j
//   dx = y · wᵀ, gathered      rows n h l,   columns c,   inner u v o
//
// Of dx each row needs only those u for which h + pad - u is a multiple of the stride. Rows are sorted by the remainder of h, their
// phase, into a batch of products, in each of which u advances by the stride, and no product is with a zero between pixels.

import { size } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Emit, Index } from "../devices/webgpu/emit.ts";
import type { Product } from "../op.ts";
import { type Geometry, geometryOf } from "./geometry.ts";

interface View extends Pick<Product, "wgsl" | "wasm"> {
  readonly sizes: (g: Geometry) => ReturnType<Product["sizes"]>;
  readonly plainB: (g: Geometry) => boolean;
}

const perGroup = (g: Geometry) => ({ c1: g.w[2], o1: g.w[3] / g.groups });
/** The axes over which patches are taken, and those of one patch. */
const pixels = (g: Geometry): number[] => g.y.slice(0, 3);
const taps = (g: Geometry): number[] => g.w.slice(0, 3);

const times = (a: string, n: number): string => (n === 1 ? a : `${a} * ${n}u`);
const plus = (a: string, n: number): string => (n === 0 ? a : `${a} + ${n}u`);

/** A channel among all of them, from its number in a group. */
const channel = (e: Emit, g: Geometry, group: string, own: string, each: number): string =>
  g.groups === 1 ? own : e.name(`${group} * ${each}u + ${own}`);

/** A place in a tensor seen as a matrix with a row for all its axes but the last: no axis need be told from another. */
const inRow = (e: Emit, t: Tensor, row: string, col: string): Index => {
  const columns = t.shape[t.rank - 1];
  return e.at(t.shape, e.at([t.size / columns, columns], [row, col]).linear());
};

/** Sums and differences below are of unsigned numbers: what is below 0 wraps round to a very large one, and is outside as well. */
const within = (e: Emit, conditions: readonly string[], value: string): string =>
  conditions.length > 0 ? `select(${e.zero}, ${value}, ${conditions.join(" && ")})` : value;

/** x at one tap of the patch of one pixel of y. */
function patch(e: Emit, x: Tensor, g: Geometry, group: string, pixel: string, tap: string): string {
  const [n, ...place] = e.at(pixels(g), pixel).coords();
  const [u, v, c] = e.at(taps(g), tap).coords();
  const inside: string[] = [];
  const source = [u, v].map((step, axis) => {
    const { stride, dilation, pad } = g;
    const from = `${times(place[axis], stride[axis])} + ${times(step, dilation[axis])}`;
    const at = e.name(pad[axis] === 0 ? from : `${from} - ${pad[axis]}u`);
    const last = (g.y[1 + axis] - 1) * stride[axis] + (g.w[axis] - 1) * dilation[axis] - pad[axis];
    if (pad[axis] > 0 || last >= g.x[1 + axis]) inside.push(`${at} < ${e.dim(g.x[1 + axis])}`);
    return at;
  });
  const at = e.at(x.shape, [n, ...source, channel(e, g, group, c, g.w[2])]);
  return within(e, inside, e.value(x, at));
}

const forward: View = {
  sizes: (g) => ({ batch: [g.groups], m: size(pixels(g)), n: perGroup(g).o1, k: size(taps(g)) }),
  plainB: () => false,
  wasm: (t) => ({ kind: "patches", role: "y", geometry: geometryOf(t) }),
  wgsl: {
    along: () => ({ a: true, b: false }),
    runs: (t) => ({ a: perGroup(geometryOf(t)).c1, b: perGroup(geometryOf(t)).o1 }),
    a: (e, t, [group], m, k) => patch(e, t.inputs[0], geometryOf(t), group, m, k),
    b: (e, t, [group], k, n) =>
      e.value(t.inputs[1], inRow(e, t.inputs[1], k, channel(e, geometryOf(t), group, n, perGroup(geometryOf(t)).o1))),
    at: (e, t, [group], m, n) => {
      const o = channel(e, geometryOf(t), group, n, perGroup(geometryOf(t)).o1);
      return { index: e.at(t.shape, [...e.at(pixels(geometryOf(t)), m).coords(), o]), inside: [] };
    },
  },
};

const ofWeight: View = {
  sizes: (g) => ({ batch: [g.groups], m: size(taps(g)), n: perGroup(g).o1, k: size(pixels(g)) }),
  plainB: (g) => g.groups === 1,
  wasm: (t) => ({ kind: "patches", role: "w", geometry: geometryOf(t) }),
  wgsl: {
    along: () => ({ a: false, b: false }),
    runs: (t) => ({ a: perGroup(geometryOf(t)).c1, b: perGroup(geometryOf(t)).o1 }),
    a: (e, t, [group], m, k) => patch(e, t.inputs[0], geometryOf(t), group, k, m),
    b: (e, t, [group], k, n) =>
      e.value(t.inputs[1], inRow(e, t.inputs[1], k, channel(e, geometryOf(t), group, n, perGroup(geometryOf(t)).o1))),
    at: (e, t, [group], m, n) => {
      const o = channel(e, geometryOf(t), group, n, perGroup(geometryOf(t)).o1);
      return { index: e.at(t.shape, [...e.at(taps(geometryOf(t)), m).coords(), o]), inside: [] };
    },
  },
};

/** Along one axis: the phases of the image, row · phases + phase = h; how many rows each has, and how many taps meet one of them. */
function phasesOf(g: Geometry, axis: 0 | 1) {
  // With a dilation the taps of a phase are no simple sequence; that is rare, and then all are tried.
  const phases = g.dilation[axis] === 1 ? g.stride[axis] : 1;
  return { phases, rows: Math.ceil(g.x[1 + axis] / phases), taps: Math.ceil(g.w[axis] / phases) };
}

/** The image's h for a row of a phase, and what must hold for it to exist. */
function rowOf(e: Emit, g: Geometry, axis: 0 | 1, phase: string, row: string) {
  const { phases } = phasesOf(g, axis);
  const h = phases === 1 ? row : e.name(`${row} * ${phases}u + ${phase}`);
  return { h, inside: g.x[1 + axis] % phases > 0 ? [`${h} < ${e.dim(g.x[1 + axis])}`] : [] };
}

/** The kernel's u for a tap of a phase: one of those for which h + pad - u is a multiple of the stride. */
function tapOf(e: Emit, g: Geometry, axis: 0 | 1, phase: string, tap: string) {
  const { phases, taps } = phasesOf(g, axis);
  const u = phases === 1 ? tap : e.name(`${tap} * ${phases}u + ${e.name(plus(phase, g.pad[axis]))} % ${phases}u`);
  return { u, inside: taps * phases > g.w[axis] ? [`${u} < ${g.w[axis]}u`] : [] };
}

/** y's i = (h + pad - u · dilation) / stride, for a row and a tap. */
function meetingOf(e: Emit, g: Geometry, axis: 0 | 1, phase: string, row: string, tap: string) {
  const { phases } = phasesOf(g, axis);
  const [stride, pad, dilation] = [g.stride[axis], g.pad[axis], g.dilation[axis]];
  const exact = phases > 1 || stride === 1;
  const from = phases > 1 ? `${row} + ${e.name(plus(phase, pad))} / ${phases}u - ${tap}` : `${plus(row, pad)} - ${times(tap, dilation)}`;
  const i = exact ? e.name(from) : e.name(`${e.name(from)} / ${stride}u`);
  return { i, inside: [...(exact ? [] : [`${e.name(from)} % ${stride}u == 0u`]), `${i} < ${e.dim(g.y[1 + axis])}`] };
}

const rowsOf = (g: Geometry): number[] => [g.x[0], phasesOf(g, 0).rows, phasesOf(g, 1).rows];
const innerOf = (g: Geometry): number[] => [phasesOf(g, 0).taps, phasesOf(g, 1).taps, perGroup(g).o1];
const both = <T>(one: (axis: 0 | 1) => T): [T, T] => [one(0), one(1)];

const transposed: View = {
  sizes: (g) => ({
    batch: [g.groups, ...both((axis) => phasesOf(g, axis).phases)],
    m: size(rowsOf(g)),
    n: perGroup(g).c1,
    k: size(innerOf(g)),
  }),
  plainB: () => false,
  wasm: (t) => ({ kind: "patches", role: "x", geometry: geometryOf(t) }),
  wgsl: {
    along: () => ({ a: true, b: true }),
    runs: (t) => ({ a: perGroup(geometryOf(t)).o1, b: perGroup(geometryOf(t)).o1 }),
    a: (e, t, [group, ...phase], m, k) => {
      const [g, [y]] = [geometryOf(t), t.inputs];
      const [n, ...rows] = e.at(rowsOf(g), m).coords();
      const [u, v, o] = e.at(innerOf(g), k).coords();
      const meetings = both((axis) => meetingOf(e, g, axis, phase[axis], rows[axis], [u, v][axis]));
      const at = e.at(y.shape, [n, ...meetings.map(({ i }) => i), channel(e, g, group, o, perGroup(g).o1)]);
      const inside = meetings.flatMap((meeting) => meeting.inside);
      return within(e, inside, e.value(y, at));
    },
    b: (e, t, [group, ...phase], k, n) => {
      const [g, [, w]] = [geometryOf(t), t.inputs];
      const [u, v, o] = e.at(innerOf(g), k).coords();
      const taps = both((axis) => tapOf(e, g, axis, phase[axis], [u, v][axis]));
      const at = e.at(w.shape, [...taps.map((tap) => tap.u), n, channel(e, g, group, o, perGroup(g).o1)]);
      const inside = taps.flatMap((tap) => tap.inside);
      return within(e, inside, e.value(w, at));
    },
    at: (e, t, [group, ...phase], m, n) => {
      const g = geometryOf(t);
      const [image, ...rows] = e.at(rowsOf(g), m).coords();
      const places = both((axis) => rowOf(e, g, axis, phase[axis], rows[axis]));
      const index = e.at(t.shape, [image, ...places.map(({ h }) => h), channel(e, g, group, n, perGroup(g).c1)]);
      return { index, inside: places.flatMap((place) => place.inside) };
    },
  },
};

export const views: Readonly<Record<"x" | "w" | "y", View>> = { y: forward, w: ofWeight, x: transposed };
