// The three members of the convolution family as matrix products, which is how the fast devices compute them: sizes, and for
// WGSL which element each place of the operands stands for. Nothing is copied there ("implicit GEMM"); the processor copies
// patches of the image to where they are multiplied (patches.wasm.ts).
//
//   y = patches · w            rows n i j,   columns o,   inner u v c
//   dw = patchesᵀ · y          rows u v c,   columns o,   inner n i j
//   dx = y · wᵀ, gathered      rows n h l,   columns c,   inner u v o
//
// Of dx each row needs only those u for which h + pad - u is a multiple of the stride. Rows are sorted by that remainder, their
// phase, into a batch of products, in each of which u advances by the stride, and no product is with a zero between pixels.

import { size } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Emit } from "../devices/webgpu/emit.ts";
import type { Product } from "../op.ts";
import type { Geometry } from "./geometry.ts";

interface View extends Pick<Product, "wgsl" | "wasm"> {
  readonly sizes: (g: Geometry) => ReturnType<Product["sizes"]>;
  readonly plainB: (g: Geometry) => boolean;
}

const of = (t: Tensor): Geometry => t.attrs as unknown as Geometry;
const perGroup = (g: Geometry) => ({ c1: g.w[2], o1: g.w[3] / g.groups });
/** The axes over which patches are taken, and those of one patch. */
const pixels = (g: Geometry): number[] => g.y.slice(0, 3);
const taps = (g: Geometry): number[] => g.w.slice(0, 3);

/** A channel among all of them, from its number in a group. */
const channel = (e: Emit, g: Geometry, group: string, own: string, each: number): string =>
  g.groups === 1 ? own : e.name(`${group} * ${each}u + ${own}`);

/** Sums and differences below are of unsigned numbers: what is below 0 wraps round to a very large one, and is outside as well. */
const within = (conditions: readonly string[], value: string): string =>
  conditions.length > 0 ? `select(0.0, ${value}, ${conditions.join(" && ")})` : value;

/** x at one tap of the patch of one pixel of y. */
function patch(e: Emit, x: Tensor, g: Geometry, group: string, pixel: string, tap: string): string {
  const [n, ...place] = e.at(pixels(g), pixel).coords();
  const [u, v, c] = e.at(taps(g), tap).coords();
  const inside: string[] = [];
  const source = [u, v].map((step, axis) => {
    const { stride, dilation, pad } = g;
    const at = e.name(`${place[axis]} * ${stride[axis]}u + ${step} * ${dilation[axis]}u - ${pad[axis]}u`);
    const last = (g.y[1 + axis] - 1) * stride[axis] + (g.w[axis] - 1) * dilation[axis] - pad[axis];
    if (pad[axis] > 0 || last >= g.x[1 + axis]) inside.push(`${at} < ${e.dim(g.x[1 + axis])}`);
    return at;
  });
  const at = e.at(x.shape, [n, ...source, channel(e, g, group, c, g.w[2])]);
  return within(inside, e.value(x, at));
}

const forward: View = {
  sizes: (g) => ({ batch: [g.groups], m: size(pixels(g)), n: perGroup(g).o1, k: size(taps(g)) }),
  plainB: () => false,
  wasm: (t) => ({ kind: "patches", role: "y", geometry: of(t) }),
  wgsl: {
    along: () => ({ a: true, b: false }),
    a: (e, t, [group], m, k) => patch(e, t.inputs[0], of(t), group, m, k),
    b: (e, t, [group], k, n) => {
      const [, w] = t.inputs;
      const [u, v, c] = e.at(taps(of(t)), k).coords();
      return e.value(w, e.at(w.shape, [u, v, c, channel(e, of(t), group, n, perGroup(of(t)).o1)]));
    },
    at: (e, t, [group], m, n) => {
      const o = channel(e, of(t), group, n, perGroup(of(t)).o1);
      return { index: e.at(t.shape, [...e.at(pixels(of(t)), m).coords(), o]), inside: [] };
    },
  },
};

const ofWeight: View = {
  sizes: (g) => ({ batch: [g.groups], m: size(taps(g)), n: perGroup(g).o1, k: size(pixels(g)) }),
  plainB: (g) => g.groups === 1,
  wasm: (t) => ({ kind: "patches", role: "w", geometry: of(t) }),
  wgsl: {
    along: () => ({ a: false, b: false }),
    a: (e, t, [group], m, k) => patch(e, t.inputs[0], of(t), group, k, m),
    b: (e, t, [group], k, n) => {
      const [, y] = t.inputs;
      const o = channel(e, of(t), group, n, perGroup(of(t)).o1);
      return e.value(y, e.at(y.shape, [...e.at(pixels(of(t)), k).coords(), o]));
    },
    at: (e, t, [group], m, n) => {
      const o = channel(e, of(t), group, n, perGroup(of(t)).o1);
      return { index: e.at(t.shape, [...e.at(taps(of(t)), m).coords(), o]), inside: [] };
    },
  },
};

/** Along one axis: how many phases there are, how many rows (or columns) and how many taps each has, and the first row's h + pad over the stride. */
function phase(g: Geometry, axis: 0 | 1) {
  const [height, taps, stride, pad] = [g.x[1 + axis], g.w[axis], g.stride[axis], g.pad[axis]];
  // With a dilation the taps of a phase are no simple sequence; that is rare, and then all are tried.
  const phases = g.dilation[axis] === 1 ? stride : 1;
  const first = Math.floor(pad / phases);
  const rows = height === 0 ? 0 : Math.floor((pad + height - 1) / phases) - first + 1;
  return { phases, first, rows, taps: Math.ceil(taps / phases) };
}

/** Row `row` of a phase is the image's h, and it meets tap `tap` at y's i. What must hold for each to exist. */
function meeting(e: Emit, g: Geometry, axis: 0 | 1, of: string, row: string, tap?: string) {
  const { phases, first, rows, taps } = phase(g, axis);
  const [height, kernel, stride, pad, dilation] = [g.x[1 + axis], g.w[axis], g.stride[axis], g.pad[axis], g.dilation[axis]];
  const h = e.name(phases === 1 ? row : `(${row} + ${first}u) * ${phases}u + ${of} - ${pad}u`);
  const isImage = phases > 1 && (pad % phases > 0 || rows * phases > height) ? [`${h} < ${e.dim(height)}`] : [];
  if (tap === undefined) return { h, isImage, u: "", i: "", isTap: [] };
  const size = e.dim(g.y[1 + axis]);
  if (phases > 1 || stride === 1) {
    const u = e.name(phases === 1 ? tap : `${tap} * ${phases}u + ${of}`);
    const i = e.name(phases === 1 ? `${row} + ${pad}u - ${tap} * ${dilation}u` : `${row} + ${first}u - ${tap}`);
    return { h, isImage, u, i, isTap: [`${i} < ${size}`, ...(taps * phases > kernel ? [`${u} < ${kernel}u`] : [])] };
  }
  const from = e.name(`${row} + ${pad}u - ${tap} * ${dilation}u`);
  const i = e.name(`${from} / ${stride}u`);
  return { h, isImage, u: tap, i, isTap: [`${from} % ${stride}u == 0u`, `${i} < ${size}`] };
}

const rowsOf = (g: Geometry): number[] => [g.x[0], phase(g, 0).rows, phase(g, 1).rows];
const innerOf = (g: Geometry): number[] => [phase(g, 0).taps, phase(g, 1).taps, perGroup(g).o1];

const transposed: View = {
  sizes: (g) => ({
    batch: [g.groups, phase(g, 0).phases, phase(g, 1).phases],
    m: size(rowsOf(g)),
    n: perGroup(g).c1,
    k: size(innerOf(g)),
  }),
  plainB: () => false,
  wasm: (t) => ({ kind: "patches", role: "x", geometry: of(t) }),
  wgsl: {
    along: () => ({ a: true, b: true }),
    a: (e, t, [group, ...phases], m, k) => {
      const [g, [y]] = [of(t), t.inputs];
      const [n, ...rows] = e.at(rowsOf(g), m).coords();
      const [u, v, o] = e.at(innerOf(g), k).coords();
      const meetings = [u, v].map((tap, axis) => meeting(e, g, axis as 0 | 1, phases[axis], rows[axis], tap));
      const at = e.at(y.shape, [n, ...meetings.map(({ i }) => i), channel(e, g, group, o, perGroup(g).o1)]);
      return within(
        meetings.flatMap(({ isTap }) => isTap),
        e.value(y, at),
      );
    },
    b: (e, t, [group, ...phases], k, n) => {
      const [g, [, w]] = [of(t), t.inputs];
      const [u, v, o] = e.at(innerOf(g), k).coords();
      const outside: string[] = [];
      const place = [u, v].map((tap, axis) => {
        const { phases: count, taps } = phase(g, axis as 0 | 1);
        if (count === 1) return tap;
        const step = e.name(`${tap} * ${count}u + ${phases[axis]}`);
        if (taps * count > g.w[axis]) outside.push(`${step} < ${g.w[axis]}u`);
        return step;
      });
      return within(outside, e.value(w, e.at(w.shape, [...place, n, channel(e, g, group, o, perGroup(g).o1)])));
    },
    at: (e, t, [group, ...phases], m, n) => {
      const g = of(t);
      const [image, ...rows] = e.at(rowsOf(g), m).coords();
      const meetings = rows.map((row, axis) => meeting(e, g, axis as 0 | 1, phases[axis], row));
      const index = e.at(t.shape, [image, ...meetings.map(({ h }) => h), channel(e, g, group, n, perGroup(g).c1)]);
      return { index, inside: meetings.flatMap(({ isImage }) => isImage) };
    },
  },
};

export const views: Readonly<Record<"x" | "w" | "y", View>> = { y: forward, w: ofWeight, x: transposed };
