// Convolutions as steps: products of patches of images. They are packed straight from the images, some at a time, so that what is packed
// is still in the second cache when it is multiplied. A weight is packed once for all images.

import { format, size } from "../../../tensor/shape.ts";
import type { Geometry } from "../../conv/geometry.ts";
import {
  addPatches,
  deepest,
  eachPart,
  evenByFour,
  type Planes,
  packPatches,
  packTurned,
  patchFloats,
  rowStep,
  runsOf,
} from "../../conv/patches.wasm.ts";
import { clearPlane, keepImage, planeFloats, showImage, type Window, windowOf } from "../../conv/plane.wasm.ts";
import { PANEL_SLACK } from "../../matmul/pack.wasm.ts";
import { widthOf } from "../../matmul/tile.wasm.ts";
import type { Patches } from "../../op.ts";
import { mergeGroups } from "../../reduce/fold.wasm.ts";
import type { Floats, Func, Int } from "./assembler.ts";
import { type KernelSteps, SMALL, SMALL_OPERAND, SMALL_PRODUCT, type Step, share } from "./steps.ts";

/** Floats that are packed at once, or of the matrix whose rows are added to an image. */
const PACKED = { x: 160 << 10, y: 64 << 10, w: 64 << 10 };
const PLANES = 48 << 10; // floats of planes from which they are packed
const PIECES = 8; // of a weight gradient: a number that does not depend on the threads, for the order of its sum must not
const MOST_PARTIAL = 1 << 22; // elements in all of them

/** The images of a convolution, cut: `rows` rows of y in one window, and `images` of one window each at once. */
interface Cut {
  readonly window: Window;
  readonly rows: number;
  readonly images: number;
  /** Pixels of y of which a part is packed at once. */
  readonly pixels: number;
  /** Floats of a plane, and of all that each thread needs. */
  readonly plane: number;
  readonly space: number;
}

function cutOf(s: KernelSteps, how: Patches, most: number): Cut {
  return how.role === "x" ? cutToAdd(s, how, most) : cutToPack(s, how, most);
}

const fitting = (floats: number, room: number): number => Math.max(1, Math.floor(room / floats));

function cutToAdd({ gemm }: KernelSteps, { geometry: g }: Patches, most: number): Cut {
  const [height, perRow] = [g.y[1], g.y[2] * patchFloats(g)];
  // Patches are added to the plane of the whole image: those of neighbouring blocks overlap. And there is one plane.
  const window = windowOf(g, height);
  const plane = window.isImage ? 0 : line(planeFloats(window));
  const fits = fitting(perRow, PACKED.x);
  const rows = 4 * fits >= height ? height : fits;
  const images = g.groups > 1 ? 1 : Math.min(most, fitting(rows, fits));
  const space = plane + line(images * rows * perRow + SPARE);
  return { window, rows, images, pixels: gemm.a.floats / gemm.depth, plane, space };
}

function cutToPack({ gemm }: KernelSteps, { geometry: g, role }: Patches, most: number): Cut {
  const [height, width] = [g.y[1], g.y[2]];
  const [high, deep] = [gemm.a.floats / gemm.depth, gemm.depth];
  const pixels =
    role === "y"
      ? Math.min(high, fitting(deepest(runsOf(windowOf(g, height)), deep), PACKED.y)) // rows of A
      : Math.min(deep, fitting(Math.min(patchFloats(g), high), PACKED.w)); // its columns
  const fits = fitting(g.stride[0] * windowOf(g, 1).width * g.x[3], PLANES);
  const rows = 2 * fits >= height ? height : fits;
  const window = windowOf(g, rows);
  const plane = window.isImage ? 0 : line(planeFloats(window));
  const images = rows < height ? 1 : Math.min(most, fitting(height * width, pixels), fitting(plane, PLANES));
  return { window, rows, images, pixels, plane, space: images * plane + SPARE };
}

const SPARE = 32; // floats after the patches, which may be written and read
const upTo = (n: number, unit: number): number => unit * Math.ceil(n / unit);
const line = (floats: number): number => upTo(floats, 16);

/** A weight in panels, as the second operand of the product: those of each group, part by part along k. */
interface Packed {
  readonly name: string;
  readonly step: Step;
  /** Where the panels of a group begin, for the part of k from `at` on. */
  panels(packed: Int, group: Int, at: Int): Int;
}

function packedWeight(s: KernelSteps, label: string, weight: number, { geometry: g, role }: Patches): Packed {
  const { gemm } = s;
  const [patch, o, o1] = [patchFloats(g), g.w[3], g.w[3] / g.groups];
  const [n, k] = role === "y" ? [o1, patch] : [patch, o1];
  const wide = upTo(n, widthOf(gemm.tile)); // with what fills the last panel
  const elements = g.groups * k * wide;
  const panels: Packed["panels"] = (packed, group, at) =>
    packed.add(
      group
        .mul(k)
        .add(at)
        .mul(4 * wide),
    );
  const name = s.table.temporary(elements + PANEL_SLACK / 4);
  // Turned round, it is packed by fours; what is written past the end of a panel must not be another thread's.
  const isShared = role === "y" || o1 % 4 === 0;
  const write: Step["write"] = (f, thread, threads) => {
    if (elements === 0) return;
    const [w, packed] = [s.name(weight), name].map((of) => s.table.address(f, of));
    const { from, to } = share(thread, threads, n, isShared ? widthOf(gemm.tile) : n);
    eachGroup(f, g.groups, (group) => {
      const own = w.add(group.mul(4 * o1));
      const part = (at: Int, depth: Int): void => {
        const target = panels(packed, group, at).add(from.mul(depth).shl(2));
        if (role === "y") f.call(gemm.packB, target, own.add(at.mul(o).add(from).shl(2)), 4 * o, depth, to.sub(from));
        else f.call(gemm.packFlippedB, target, own.add(from.mul(o).add(at).shl(2)), 4 * o, depth, to.sub(from));
      };
      if (role === "y") eachPart(f, runsOf(windowOf(g, 1)), gemm.depth, (of, at) => part(at, of.runs.mul(of.floats)));
      else f.pieces(o1, evenByFour(o1, gemm.depth), part);
    });
  };
  const isSmall = elements < SMALL_OPERAND;
  return {
    name,
    panels,
    step: { label: `packs ${label}`, flops: 0, reads: new Set([s.region(weight)]), writes: new Set([name]), isSmall, write },
  };
}

function eachGroup(f: Func, groups: number, body: (group: Int) => void): void {
  if (groups === 1) body(f.asInt(0));
  else f.for(0, groups, 1, body);
}

/** What the loops of a convolution need to know: memory of this thread's own, and where the three lie. */
interface Parts {
  readonly f: Func;
  readonly s: KernelSteps;
  readonly cut: Cut;
  readonly plane: Int;
  readonly scratch: Int;
  /** Room for a packed part of the first operand. */
  readonly room: Int;
  readonly x: Int;
  readonly w: Int;
  readonly y: Int;
}

function partsOf(f: Func, s: KernelSteps, cut: Cut, spare: string, thread: Int, three: Pick<Parts, "x" | "w" | "y">): Parts {
  const plane = s.table.address(f, spare).add(thread.mul(4 * cut.space));
  const scratch = s.table.address(f, "scratch").add(thread.mul(s.gemm.scratchBytes));
  return { f, s, cut, plane, scratch, room: scratch.add(s.gemm.a.at), ...three };
}

/** A convolution (role y) or a transposed one (role x): each thread makes some of the images. */
export function convolved(s: KernelSteps, core: number, outer: readonly number[], how: Patches): Step[] {
  const { geometry: g, role } = how;
  const t = s.node(core);
  const inputs = s.operands(core);
  const images = g.x[0];
  const cut = cutOf(s, how, images);
  const perImage = t.size / images;
  const label = `${format(g[role === "y" ? "x" : "y"])} ${format(g.w)}, ${s.label}`;
  const spare = s.table.temporary(s.table.threads * cut.space);
  const packed = packedWeight(s, label, inputs[1], how);
  const { reads, writes } = s.claims([core, ...outer]);
  const widths = s.widths([core, ...outer], perImage);
  const [first, weight] = inputs.map((i) => s.region(i));
  widths.delete(weight);
  if (first !== weight) widths.set(first, s.node(inputs[0]).size / images);
  const width = s.isFlat(outer, t.size) ? perImage : (t.shape.findLast((d) => d !== 1) ?? 1);
  const multiplications = size(g.y) * patchFloats(g);
  const multiplying: Step = {
    label,
    flops: 2 * multiplications,
    reads: new Set([...reads, packed.name]),
    writes: new Set([...writes, s.region(core), spare]),
    isSmall: multiplications < SMALL_PRODUCT,
    rows: { total: images, grain: 1, widths },
    write: (f, thread, threads) => {
      if (t.size === 0) return;
      const [operand, w, result] = [s.name(inputs[0]), packed.name, s.name(core)].map((name) => s.table.address(f, name));
      const three = role === "y" ? { x: operand, w, y: result } : { x: result, w, y: operand };
      const parts = partsOf(f, s, cut, spare, thread, three);
      const { from, to } = share(thread, threads, images, 1);
      const image = role === "y" ? forward(parts, packed) : backward(parts, packed);
      f.for(from, to, cut.images, (n) => {
        const count = to.sub(n).min(cut.images);
        image(n, count);
        if (outer.length === 0) return;
        const [start, end] = [n, n.add(count)].map((k) => k.mul(perImage / width));
        s.mapLoops(f, outer, t.shape, width, { from: start, to: end }, { from: 0, to: width });
      });
    },
  };
  return [packed.step, multiplying];
}

/** dw = patchesᵀ · y, in pieces, each of which is summed by one thread, and then all of them. */
export function weightGradient(s: KernelSteps, core: number, outer: readonly number[], how: Patches): Step[] {
  const { geometry: g } = how;
  const t = s.node(core);
  const inputs = s.operands(core);
  const images = g.x[0];
  const most = Math.max(1, Math.min(PIECES, images, Math.floor(MOST_PARTIAL / Math.max(1, t.size))));
  const each = Math.ceil(images / most);
  const pieces = Math.ceil(images / each);
  const cut = cutOf(s, how, each);
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

const imageBytes = ({ x }: Geometry): number => 4 * x[1] * x[2] * x[3];

/** What is done with `count` images from the n-th on. */
type Images = (n: Int, count: Int) => void;

/** Goes through the windows of images: the planes that show them, and so many pixels of y from `pixel` on. */
function eachWindow(parts: Parts, n: Int, count: Int, body: (planes: Planes, pixel: Int, pixels: Int) => void): void {
  const { f, cut, x, plane } = parts;
  const { window } = cut;
  const { g } = window;
  const bytes = imageBytes(g);
  const planes = { window, images: cut.images };
  f.pieces(g.y[1], cut.rows, (i, rows) => {
    const pixel = n.mul(g.y[1]).add(i).mul(g.y[2]);
    const pixels = count.mul(rows).mul(g.y[2]);
    if (window.isImage) {
      body({ ...planes, start: x.add(n.mul(bytes)), bytes }, pixel, pixels);
      return;
    }
    f.for(0, count, 1, (image) => {
      const from = x.add(n.add(image).mul(bytes));
      showImage(f, window, from, i.mul(g.stride[0]).sub(g.pad[0]), plane.add(image.mul(4 * cut.plane)));
    });
    body({ ...planes, start: plane, bytes: 4 * cut.plane }, pixel, pixels);
  });
}

/** What of planes a group sees. */
const ofGroup = (planes: Planes, group: Int): Planes => ({ ...planes, start: planes.start.add(group.mul(4 * planes.window.g.w[2])) });

function clearPlanes({ f, cut, plane }: Parts): void {
  if (cut.window.isImage) return;
  f.for(0, cut.images, 1, (image) => clearPlane(f, cut.window, plane.add(image.mul(4 * cut.plane))));
}

/** y = patches · w, which has been packed. */
function forward(parts: Parts, { panels }: Packed): Images {
  const { f, s, cut, scratch, room, w, y } = parts;
  const { gemm } = s;
  const { g } = cut.window;
  const [o, o1] = [g.w[3], g.w[3] / g.groups];
  clearPlanes(parts);
  return (n, count) =>
    eachWindow(parts, n, count, (planes, pixel, pixels) =>
      f.pieces(pixels, cut.pixels, (first, count) => {
        const some = { first, count };
        eachGroup(f, g.groups, (group) => {
          const result = y.add(pixel.add(first).mul(4 * o)).add(group.mul(4 * o1));
          eachPart(f, runsOf(cut.window), gemm.depth, (part, at) => {
            packPatches(f, ofGroup(planes, group), gemm.tile.rows, some, part, room);
            f.call(gemm.multiply, some.count, o1, part.runs.mul(part.floats), room, panels(w, group, at), result, 4 * o, scratch, at);
          });
        });
      }),
    );
}

/** w += patchesᵀ · y, or = for the first image. */
function weightSum(parts: Parts, first: Int): Images {
  const { f, s, cut, scratch, room, w, y } = parts;
  const { gemm } = s;
  const { g } = cut.window;
  const [patch, o, o1] = [patchFloats(g), g.w[3], g.w[3] / g.groups];
  const [high, wide] = [gemm.a, gemm.b].map(({ floats }) => floats / gemm.depth);
  const packed = scratch.add(gemm.b.at);
  clearPlanes(parts);
  return (n, count) =>
    eachWindow(parts, n, count, (planes, pixel, pixels) =>
      f.pieces(pixels, cut.pixels, (from, count) => {
        const some = { first: from, count };
        const now = pixel.add(from);
        const accumulates = now.sub(first.mul(g.y[1] * g.y[2]));
        eachGroup(f, g.groups, (group) =>
          f.pieces(o1, wide, (column, columns) => {
            const own = group.mul(o1).add(column).shl(2);
            f.call(gemm.packB, packed, y.add(now.mul(4 * o)).add(own), 4 * o, some.count, columns);
            f.pieces(patch, high, (row, rows) => {
              packTurned(f, ofGroup(planes, group), gemm.tile.rows, some, [row, rows], room);
              const result = w.add(row.mul(4 * o)).add(own);
              f.call(gemm.multiply, rows, columns, some.count, room, packed, result, 4 * o, scratch, accumulates);
            });
          }),
        );
      }),
    );
}

/** x = y · wᵀ, of which each row is added where its patch is. */
function backward(parts: Parts, { panels }: Packed): Images {
  const { f, s, cut, scratch, room, w, x, y } = parts;
  const { gemm } = s;
  const { window } = cut;
  const { g } = window;
  const [patch, o, o1] = [patchFloats(g), g.w[3], g.w[3] / g.groups];
  const col = parts.plane.add(4 * cut.plane);
  const spread = (group: Int, pixel: Int, pixels: Int): void =>
    f.pieces(pixels, cut.pixels, (first, some) => {
      f.pieces(o1, evenByFour(o1, gemm.depth), (at, depth) => {
        f.call(gemm.packA, room, y.add(pixel.add(first).mul(o).add(group.mul(o1)).add(at).shl(2)), 4 * o, depth, some);
        f.call(gemm.multiply, some, patch, depth, room, panels(w, group, at), col.add(first.mul(4 * patch)), 4 * patch, scratch, at);
      });
    });
  /** Makes an image of what `add` adds to its plane. */
  const make = (n: Int, add: (plane: Int) => void): void => {
    const image = x.add(n.mul(imageBytes(g)));
    const plane = window.isImage ? image : parts.plane;
    clearPlane(f, window, plane);
    add(plane);
    if (!window.isImage) keepImage(f, window, plane, image);
  };
  const perImage = g.y[1] * g.y[2];
  if (cut.rows === g.y[1] && g.groups === 1)
    return (n, count) => {
      const none = f.asInt(0);
      spread(none, n.mul(perImage), count.mul(perImage));
      f.for(0, count, 1, (image) =>
        make(n.add(image), (plane) => addPatches(f, window, g.y[1], none, plane, col.add(image.mul(4 * perImage * patch)))),
      );
    };
  return (n) =>
    make(n, (plane) =>
      f.pieces(g.y[1], cut.rows, (i, rows) =>
        eachGroup(f, g.groups, (group) => {
          spread(group, n.mul(perImage).add(i.mul(g.y[2])), rows.mul(g.y[2]));
          addPatches(f, window, rows, group, plane.add(i.mul(rowStep(window))), col);
        }),
      ),
    );
}
