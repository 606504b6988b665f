// Products as steps: of matrices as they lie in memory, and of patches of images, which are gathered beside it first. Threads share
// the result, and each goes on with what is computed from the part that it made.

import { type Kernel, sumOf } from "../../../tensor/merge.ts";
import { format, type Shape, size } from "../../../tensor/shape.ts";
import {
  addPatches,
  clearPlane,
  gatherPatches,
  keepImage,
  patchFloats,
  planeFloats,
  showImage,
  type Window,
  windowOf,
} from "../../conv/patches.wasm.ts";
import type { Range } from "../../elementwise/rows.wasm.ts";
import type { Matrices, Patches, Product } from "../../op.ts";
import { mergeGroups } from "../../reduce/fold.wasm.ts";
import type { Floats, Func, Int } from "./assembler.ts";
import { type KernelSteps, SMALL, type Step, share } from "./steps.ts";

const SMALL_PRODUCT = 1 << 17; // multiplications
const SMALL_OPERAND = 1 << 14; // elements that are packed in no time

export function productSteps(s: KernelSteps, k: Kernel): Step[] {
  const [core] = k.cores;
  const outer = k.outer.filter((i) => i !== k.total); // the sum of two products is there when both are
  const t = s.node(core);
  const how = (t.op as Product).wasm(t);
  if (how.kind === "matrices") return [multiplied(s, k.cores, sumOf(k), outer)];
  return how.role === "w" ? weightGradient(s, core, outer, how) : [convolved(s, core, outer, how)];
}

/** The nodes whose memory the operands are: seen through views that keep the order. */
function operandsOf(s: KernelSteps, core: number): number[] {
  const { graph, inline } = s.plan;
  const stored = (i: number): number => (inline[i] ? stored(graph.inputs[i][0]) : i);
  return graph.inputs[core].map(stored);
}

/** A product, or two that are added up, and what is computed from the sums: each thread goes on with the part that it made. */
function multiplied(s: KernelSteps, cores: readonly number[], sum: number, outer: readonly number[]): Step {
  const t = s.node(sum);
  const factors = cores.map((core) => factorsOf(s, core));
  const [{ batch, m, n }] = factors;
  const k = factors.reduce((all, factor) => all + factor.k, 0);
  const matrices = size(batch);
  const { reads, writes } = s.claims([...cores, sum, ...outer]);
  // Divided where it is longest: along the columns each thread packs its own part of B, along the rows of A. Where B is
  // small, rows: the next step may go on with them.
  const byRows = m > n || (m >= 64 && n * k <= SMALL_OPERAND);
  const along = matrices > 1 ? "batch" : byRows ? "rows" : "columns";
  const widths = s.widths([...cores, sum, ...outer], n);
  const regions = factors.flatMap(({ inputs }) => inputs.map((i) => s.region(i)));
  for (const region of regions) widths.delete(region);
  for (const { inputs, flipA, k: width } of factors) {
    const left = s.region(inputs[0]);
    if (!flipA && regions.filter((region) => region === left).length === 1) widths.set(left, width);
  }
  return {
    label: `${m} x ${k} x ${n}, ${s.label}`,
    flops: 2 * matrices * m * n * k,
    reads,
    writes: new Set([...writes, s.region(sum)]),
    isSmall: matrices * m * n * k < SMALL_PRODUCT,
    rows: along === "rows" ? { total: m, grain: s.gemm.rows, widths } : undefined,
    write: (f, thread, threads) => {
      if (matrices * m * n === 0) return;
      const pc = s.table.address(f, s.name(sum));
      const scratch = s.table.address(f, "scratch").add(thread.mul(s.gemm.scratchBytes));
      const all = (to: number): Range => ({ from: 0, to });
      const some = along === "batch" ? share(thread, threads, matrices, 1) : all(matrices);
      const rows = along === "rows" ? share(thread, threads, m, s.gemm.rows) : all(m);
      const columns = along === "columns" ? share(thread, threads, n, s.gemm.columns) : all(n);
      const [r0, r1, c0, c1] = [rows.from, rows.to, columns.from, columns.to].map((x) => f.asInt(x));
      f.for(some.from, some.to, 1, (at) => {
        factors.forEach(({ k, inputs, flipA, flipB, steps }, which) => {
          const [pa, pb] = inputs.map((i) => s.table.address(f, s.name(i)));
          const [aStep, bStep] = [flipA ? m : k, flipB ? k : n];
          const [offA, offB] = steps.map((list) => offset(f, at, batch, list));
          f.call(
            s.gemm.ref,
            r1.sub(r0),
            c1.sub(c0),
            k,
            pa.add(offA.add(flipA ? r0 : r0.mul(aStep)).shl(2)),
            aStep,
            flipA ? 1 : 0,
            pb.add(offB.add(flipB ? c0.mul(bStep) : c0).shl(2)),
            bStep,
            flipB ? 1 : 0,
            pc.add(at.mul(m).add(r0).mul(n).add(c0).shl(2)),
            n,
            scratch,
            which, // the second is added to the first
          );
        });
        const first = at.mul(m);
        if (outer.length > 0) s.mapLoops(f, outer, t.shape, n, { from: first.add(r0), to: first.add(r1) }, columns);
      });
    },
  };
}

/** What a product multiplies, and how it lies. */
function factorsOf(s: KernelSteps, core: number): Omit<Matrices, "kind"> & ReturnType<Product["sizes"]> & { readonly inputs: number[] } {
  const t = s.node(core);
  const { sizes, wasm } = t.op as Product;
  return { ...(wasm(t) as Matrices), ...sizes(t), inputs: operandsOf(s, core) };
}

/** Where a matrix of the batch begins, counted in elements. */
function offset(f: Func, at: Int, batch: Shape, steps: readonly number[]): Int {
  let rest = at;
  let sum = f.asInt(0);
  for (let axis = batch.length - 1; axis >= 0; axis--) {
    if (batch[axis] === 1) continue;
    sum = sum.add(rest.rem(batch[axis]).mul(steps[axis]));
    rest = rest.div(batch[axis]);
  }
  return sum;
}

// Convolutions. Images are treated some at a time, so that their patches are still in the second cache when they are multiplied.

/** Bytes of patches at once. Those of a weight gradient share the cache with the sums that each of them is added to. */
const PATCHES = { x: 384 << 10, y: 384 << 10, w: 192 << 10 };
const PIECES = 8; // of a weight gradient: a number that does not depend on the threads, for the order of its sum must not
const MOST_PARTIAL = 1 << 22; // elements in all of them

/** The images of a convolution, cut: `rows` rows of y in one window, `blocks` windows to an image, `images` of one window each at once. */
interface Cut {
  readonly window: Window;
  readonly rows: number;
  readonly blocks: number;
  readonly images: number;
  /** Floats of a plane, and of the plane and the patches together: what each thread needs. */
  readonly plane: number;
  readonly space: number;
}

function cutOf({ geometry: g, role }: Patches, most: number): Cut {
  const perRow = g.y[2] * patchFloats(g);
  const fits = Math.max(1, Math.floor(PATCHES[role] / 4 / perRow)); // rows of y
  const rows = 4 * fits >= g.y[1] ? g.y[1] : fits;
  // Of groups, each has patches of its own from the same plane; and there is one plane.
  const images = g.groups > 1 ? 1 : Math.max(1, Math.min(most, Math.floor(fits / rows)));
  // Patches are added to the plane of the whole image: those of neighbouring blocks overlap.
  const window = windowOf(g, role === "x" ? g.y[1] : rows);
  const plane = window.isImage ? 0 : line(planeFloats(window));
  return { window, rows, blocks: Math.ceil(g.y[1] / rows), images, plane, space: plane + line(images * rows * perRow + SPARE) };
}

const SPARE = 32; // floats after the patches, which may be written and read
const line = (floats: number): number => 16 * Math.ceil(floats / 16);

/** What the loops of a convolution need to know: memory of this thread's own, and where the three lie. */
interface Parts {
  readonly f: Func;
  readonly s: KernelSteps;
  readonly cut: Cut;
  readonly plane: Int;
  readonly col: Int;
  readonly scratch: Int;
  readonly x: Int;
  readonly w: Int;
  readonly y: Int;
}

function partsOf(f: Func, s: KernelSteps, cut: Cut, spare: string, thread: Int, three: Pick<Parts, "x" | "w" | "y">): Parts {
  const plane = s.table.address(f, spare).add(thread.mul(4 * cut.space));
  const scratch = s.table.address(f, "scratch").add(thread.mul(s.gemm.scratchBytes));
  return { f, s, cut, plane, col: plane.add(4 * cut.plane), scratch, ...three };
}

/** A convolution (role y) or a transposed one (role x): each thread makes some of the images. */
function convolved(s: KernelSteps, core: number, outer: readonly number[], how: Patches): Step {
  const { geometry: g, role } = how;
  const t = s.node(core);
  const inputs = operandsOf(s, core);
  const images = g.x[0];
  const cut = cutOf(how, images);
  const perImage = t.size / images;
  const spare = s.table.temporary(s.table.threads * cut.space);
  const { reads, writes } = s.claims([core, ...outer]);
  const widths = s.widths([core, ...outer], perImage);
  const [first, weight] = inputs.map((i) => s.region(i));
  widths.delete(weight);
  if (first !== weight) widths.set(first, s.node(inputs[0]).size / images);
  const width = s.isFlat(outer, t.size) ? perImage : (t.shape.findLast((d) => d !== 1) ?? 1);
  const multiplications = size(g.y) * patchFloats(g);
  return {
    label: `${format(g[role === "y" ? "x" : "y"])} ${format(g.w)}, ${s.label}`,
    flops: 2 * multiplications,
    reads,
    writes: new Set([...writes, s.region(core), spare]),
    isSmall: multiplications < SMALL_PRODUCT,
    rows: { total: images, grain: 1, widths },
    write: (f, thread, threads) => {
      if (t.size === 0) return;
      const [operand, w, result] = [...inputs, core].map((i) => s.table.address(f, s.name(i)));
      const three = role === "y" ? { x: operand, w, y: result } : { x: result, w, y: operand };
      const parts = partsOf(f, s, cut, spare, thread, three);
      const { from, to } = share(thread, threads, images, 1);
      const image = role === "y" ? forward(parts) : backward(parts);
      f.for(from, to, cut.images, (n) => {
        const count = to.sub(n).min(cut.images);
        image(n, count);
        if (outer.length === 0) return;
        const [start, end] = [n, n.add(count)].map((k) => k.mul(perImage / width));
        s.mapLoops(f, outer, t.shape, width, { from: start, to: end }, { from: 0, to: width });
      });
    },
  };
}

/** dw = patchesᵀ · y, in pieces, each of which is summed by one thread, and then all of them. */
function weightGradient(s: KernelSteps, core: number, outer: readonly number[], how: Patches): Step[] {
  const { geometry: g } = how;
  const t = s.node(core);
  const inputs = operandsOf(s, core);
  const images = g.x[0];
  const most = Math.max(1, Math.min(PIECES, images, Math.floor(MOST_PARTIAL / Math.max(1, t.size))));
  const each = Math.ceil(images / most);
  const pieces = Math.ceil(images / each);
  const cut = cutOf(how, each);
  const spare = s.table.temporary(s.table.threads * cut.space);
  const partial = pieces > 1 ? s.table.temporary(pieces * t.size) : s.name(core);
  const multiplications = size(g.y) * patchFloats(g);
  const { reads } = s.claims([core]);
  const summing: Step = {
    label: `${format(g.x)} ${format(g.y)}, ${s.label}`,
    flops: 2 * multiplications,
    reads,
    writes: new Set([spare, pieces > 1 ? partial : s.region(core)]),
    isSmall: multiplications < SMALL_PRODUCT,
    write: (f, thread, threads) => {
      if (t.size === 0) return;
      const [x, y, sums] = [...inputs.map((i) => s.name(i)), partial].map((name) => s.table.address(f, name));
      const some = share(thread, threads, pieces, 1);
      f.for(some.from, some.to, 1, (piece) => {
        const [start, end] = [piece.mul(each), piece.add(1).mul(each).min(images)];
        const sum = weightSum(partsOf(f, s, cut, spare, thread, { x, w: sums.add(piece.mul(4 * t.size)), y }), start);
        f.for(start, end, cut.images, (n) => sum(n, end.sub(n).min(cut.images)));
      });
    },
  };
  const merging: Step = {
    label: s.label,
    flops: 0,
    reads: new Set([partial]),
    writes: new Set([s.region(core)]),
    isSmall: t.size * pieces < SMALL,
    write: (f, thread, threads) => {
      const of = s.table.address(f, partial);
      const address = (_fold: number, _vector: number, piece: Int, at: Int): Int => of.add(piece.mul(t.size).add(at).shl(2));
      const to = () => s.table.address(f, s.name(core));
      mergeGroups(f, { n: t.size, groups: pieces }, { folds: [SUM], address }, to, share(thread, threads, t.size, 64));
    },
  };
  return [summing, ...(pieces > 1 ? [merging] : []), ...(outer.length > 0 ? [s.map(outer)] : [])];
}

const SUM = { identity: [0], merge: ([a]: readonly Floats[], [b]: readonly Floats[]): Floats[] => [a.add(b)] };

/** What is done with `count` images from the n-th on. */
type Images = (n: Int, count: Int) => void;

/** Goes through the windows of images: from which row of y on, and how many rows. */
function eachWindow({ f, cut }: Parts, body: (i: Int, rows: Int) => void): void {
  const rows = cut.window.g.y[1];
  if (cut.blocks === 1) body(f.asInt(0), f.asInt(rows));
  else f.for(0, rows, cut.rows, (i) => body(i, f.asInt(rows).sub(i).min(cut.rows)));
}

/** Goes through the patches of the images in a window, group by group, gathered in `col`; `pixel` is the first of them, of so many. */
function eachMatrix(parts: Parts, n: Int, count: Int, body: (group: Int, pixel: Int, pixels: Int) => void): void {
  const { f, cut, x, plane, col } = parts;
  const { window } = cut;
  const { g } = window;
  const shown = (image: Int, i: Int): Int => {
    const at = x.add(image.mul(4 * g.x[1] * g.x[2] * g.x[3]));
    if (window.isImage) return at;
    showImage(f, window, at, i.mul(g.stride[0]).sub(g.pad[0]), plane);
    return plane;
  };
  eachWindow(parts, (i, rows) => {
    const pixels = rows.mul(g.y[2]);
    const pixel = n.mul(g.y[1]).add(i).mul(g.y[2]);
    if (g.groups === 1) {
      const none = f.asInt(0);
      f.for(0, count, 1, (image) => {
        gatherPatches(f, window, rows, none, shown(n.add(image), i), col.add(image.mul(pixels).mul(4 * patchFloats(g))));
      });
      body(none, pixel, count.mul(pixels));
    } else {
      const from = shown(n, i); // one image: see cutOf
      f.for(0, g.groups, 1, (group) => {
        gatherPatches(f, window, rows, group, from, col);
        body(group, pixel, pixels);
      });
    }
  });
}

/** y = patches · w */
function forward(parts: Parts): Images {
  const { f, s, cut, plane, col, scratch, w, y } = parts;
  const { g } = cut.window;
  const [patch, o, o1] = [patchFloats(g), g.w[3], g.w[3] / g.groups];
  if (!cut.window.isImage) clearPlane(f, cut.window, plane);
  return (n, count) =>
    eachMatrix(parts, n, count, (group, pixel, pixels) => {
      const own = group.mul(4 * o1);
      f.call(s.gemm.ref, pixels, o1, patch, col, patch, 0, w.add(own), o, 0, y.add(pixel.mul(4 * o)).add(own), o, scratch, 0);
    });
}

/** w += patchesᵀ · y, or = for the first image. */
function weightSum(parts: Parts, first: Int): Images {
  const { f, s, cut, plane, col, scratch, w, y } = parts;
  const { g } = cut.window;
  const [patch, o, o1] = [patchFloats(g), g.w[3], g.w[3] / g.groups];
  if (!cut.window.isImage) clearPlane(f, cut.window, plane);
  return (n, count) =>
    eachMatrix(parts, n, count, (group, pixel, pixels) => {
      const own = group.mul(4 * o1);
      const accumulates = pixel.sub(first.mul(g.y[1] * g.y[2]));
      f.call(s.gemm.ref, patch, o1, pixels, col, patch, 1, y.add(pixel.mul(4 * o)).add(own), o, 0, w.add(own), o, scratch, accumulates);
    });
}

/** x = y · wᵀ, of which each row is added where its patch is. */
function backward(parts: Parts): Images {
  const { f, s, cut, col, scratch, w, x, y } = parts;
  const { window } = cut;
  const { g } = window;
  const [patch, o, o1] = [patchFloats(g), g.w[3], g.w[3] / g.groups];
  const spread = (group: Int, pixel: Int, pixels: Int): void => {
    const own = group.mul(4 * o1);
    f.call(s.gemm.ref, pixels, patch, o1, y.add(pixel.mul(4 * o)).add(own), o, 0, w.add(own), o, 1, col, patch, scratch, 0);
  };
  /** Makes an image of what `add` adds to its plane. */
  const make = (n: Int, add: (plane: Int) => void): void => {
    const image = x.add(n.mul(4 * g.x[1] * g.x[2] * g.x[3]));
    const plane = window.isImage ? image : parts.plane;
    clearPlane(f, window, plane);
    add(plane);
    if (!window.isImage) keepImage(f, window, plane, image);
  };
  const perImage = g.y[1] * g.y[2];
  if (cut.blocks === 1 && g.groups === 1)
    return (n, count) => {
      const none = f.asInt(0);
      spread(none, n.mul(perImage), count.mul(perImage));
      f.for(0, count, 1, (image) =>
        make(n.add(image), (plane) => addPatches(f, window, g.y[1], none, plane, col.add(image.mul(4 * perImage * patch)))),
      );
    };
  return (n) =>
    make(n, (plane) =>
      eachWindow(parts, (i, rows) =>
        f.for(0, g.groups, 1, (group) => {
          spread(group, n.mul(perImage).add(i.mul(g.y[2])), rows.mul(g.y[2]));
          addPatches(f, window, rows, group, plane.add(i.mul(4 * g.stride[0] * window.width * g.x[3])), col);
        }),
      ),
    );
}
