// The patches of images that a convolution multiplies ("im2col"), which are packed straight from the image; and rows of a matrix that are
// added to the images whose patches they are ("col2im").
//
//     x, one image                    its plane: x and padding       packed: panels, as the tile kernel reads them
//     ┌───────┐                       ┌─────────┐                    ┌───────┐
//     │       │    copy, zeros around │0 0 0 0 0│    a run of kw · c │ 0 1 2 │  number by number of the patch; beside each
//     │       │   ──────────────────► │0┌───┐  0│   ───────────────► │ 0 1 2 │  other those of 4 or 6 patches (for dw turned
//     └───────┘                       │0│   │  0│    for each row of │ 0 1 2 │  round: pixel by pixel, beside each other
//                                     └─────────┘    each patch      └───────┘  4 or 6 numbers of a patch)
//
// Channels are last, so that a row of a patch is one piece of memory. A matrix of all patches is never there: it would be
// written and read once more, for nothing.

import type { Func, Int } from "../devices/wasm/assembler.ts";
import { behind, copy, each, type Place, placeAt, put, take, UNROLLED } from "../devices/wasm/moves.ts";
import { groups, storeTurned } from "../matmul/pack.wasm.ts";
import type { Geometry } from "./geometry.ts";
import type { Window } from "./plane.wasm.ts";

/** The numbers in a patch: of one group, if there are several. */
export const patchFloats = (g: Geometry): number => g.w[0] * g.w[1] * g.w[2];

/** A patch is `count` runs of `floats` numbers that lie side by side in the plane: its rows, or its pixels. */
export interface Runs {
  readonly count: number;
  readonly floats: number;
  /** How many of them make a row of the patch; and bytes from one to the next, along a row and down to the next row. */
  readonly across: number;
  readonly right: number;
  readonly down: number;
}

export function runsOf({ g, width }: Window): Runs {
  const [kh, kw, c1] = g.w;
  const isRow = g.dilation[1] === 1 && g.groups === 1;
  const [across, floats] = isRow ? [1, kw * c1] : [kw, c1];
  return { count: kh * across, floats, across, right: 4 * g.dilation[1] * g.x[3], down: 4 * g.dilation[0] * width * g.x[3] };
}

/** Where run r begins, behind the beginning of its patch. */
const offsetOf = ({ across, right, down }: Runs, r: number): number => Math.floor(r / across) * down + (r % across) * right;
function runAt({ across, right, down }: Runs, r: Int): Int {
  if (across === 1) return r.mul(down);
  const row = r.div(across);
  return row.mul(down).add(r.sub(row.mul(across)).mul(right));
}

/** The planes of a few images, and where in them the channels of a group begin. */
export interface Planes {
  readonly window: Window;
  readonly start: Int;
  /** How many there are at most, and bytes from one to the next. Only one if the window is a part of the image. */
  readonly images: number;
  readonly bytes: number;
}

/** Bytes from a pixel of y to the next: of their patches in the plane. */
const pixelStep = ({ g }: Window): number => 4 * g.stride[1] * g.x[3];
/** The same from a row of y to the next. */
export const rowStep = ({ g, width }: Window): number => 4 * g.stride[0] * width * g.x[3];

/** Where a row of y begins, counted through all images. */
function rowAt({ window, start, images, bytes }: Planes, row: Int): Int {
  if (images === 1) return start.add(row.mul(rowStep(window)));
  const image = row.div(window.rows);
  return start.add(image.mul(bytes)).add(row.sub(image.mul(window.rows)).mul(rowStep(window)));
}

/** Pixels of y from `first` on, counted through all images. */
export interface Pixels {
  readonly first: Int;
  readonly count: Int;
}

/** A part of each patch: from number `from` of run `run` on so many runs, and so many numbers of each. */
export interface Part {
  readonly run: Int;
  readonly runs: Int;
  readonly from: Int;
  readonly floats: Int;
  /** Is it all there is? */
  readonly isWhole: boolean;
}

/** Goes through patches in parts that `depth` numbers hold: whole runs, or pieces of one. `at` is the number with which a part begins. */
export function eachPart(f: Func, runs: Runs, depth: number, body: (part: Part, at: Int) => void): void {
  const { count, floats } = runs;
  const [together, piece] = largest(runs, depth);
  const isWhole = together === count && piece === floats;
  f.pieces(count, together, (run, some) =>
    f.pieces(floats, piece, (from, numbers) => body({ run, runs: some, from, floats: numbers, isWhole }, run.mul(floats).add(from))),
  );
}

/** The runs, and the numbers of each, in the largest part. */
function largest({ count, floats }: Runs, depth: number): readonly [runs: number, floats: number] {
  return floats > depth ? [1, evenByFour(floats, depth)] : [even(count, Math.floor(depth / floats)), floats];
}

/** The largest of as few parts as there must be, of equal size as far as that goes: of 16, of which 10 would fit, 8. */
const even = (all: number, most: number): number => Math.ceil(all / Math.ceil(all / most));
/** The same by four, for transposing. */
export const evenByFour = (all: number, most: number): number => 4 * Math.ceil(even(all, most) / 4);

/** The numbers in the largest part. */
export function deepest(runs: Runs, depth: number): number {
  const [some, floats] = largest(runs, depth);
  return some * floats;
}

/** Patches as rows of A: panels of `high` of them. Up to 3 floats after a run are read. */
export function packPatches(f: Func, planes: Planes, high: number, { first, count }: Pixels, part: Part, to: Int): void {
  const { window } = planes;
  const runs = runsOf(window);
  const width = window.g.y[2];
  const depth = part.runs.mul(part.floats);
  const patchAt = (pixel: Int): Int => {
    const row = pixel.div(width);
    return rowAt(planes, row).add(pixel.sub(row.mul(width)).mul(pixelStep(window)));
  };
  f.for(0, count, high, (i) => {
    const panel = to.add(i.mul(depth).shl(2));
    const patches = Array.from({ length: high }, (_, k) => patchAt(first.add(i.add(k).min(count.sub(1)))).add(part.from.shl(2)));
    /** Four numbers of each patch. */
    const store = (rows: readonly Int[], offset: number, target: Int, targetOffset: number): void => {
      for (const { at, columns } of groups(high)) {
        const numbers = rows.slice(at, at + columns).map((row) => f.load(row, offset));
        storeTurned(f, numbers, high, target, targetOffset + 4 * at);
      }
    };
    // What is written past the end of a run is the beginning of the next, which is written next.
    const vectors = Math.ceil(runs.floats / 4);
    if (part.isWhole && runs.count * vectors <= UNROLLED) {
      for (let r = 0; r < runs.count; r++)
        for (let v = 0; v < vectors; v++) store(patches, offsetOf(runs, r) + 16 * v, panel, 4 * high * (runs.floats * r + 4 * v));
      return;
    }
    f.for(0, part.runs, 1, (r) => {
      const inPlane = runAt(runs, part.run.add(r));
      const rows = patches.map((patch) => patch.add(inPlane));
      const toVar = f.intVar(panel.add(r.mul(part.floats).mul(4 * high)));
      f.for(0, part.floats.shl(2), 16, (along) => {
        const target = f.get(toVar);
        store(
          rows.map((row) => row.add(along)),
          0,
          target,
          0,
        );
        f.set(toVar, target.add(16 * high));
      });
    });
  });
}

const TOGETHER = 4; // panels: as many as it takes for a loop to cost little beside them

/** Patches as columns of A: panels of `wide` numbers of each, from number `start` on `count` of them. */
export function packTurned(f: Func, planes: Planes, wide: number, pixels: Pixels, [start, count]: readonly [Int, Int], to: Int): void {
  const { window } = planes;
  const runs = runsOf(window);
  const patch = patchFloats(window.g);
  const width = window.g.y[2];
  const end = pixels.first.add(pixels.count);
  const panelBytes = pixels.count.mul(4 * wide);
  /** Copies panels, the first of them to `target`: pieces of patches, of which each begins at `from` and has so many numbers. */
  const copyPanels = (target: Int, pieces: readonly { from: Place; panel: number; at: number; floats: number }[]): void => {
    const toVar = f.intVar(target);
    f.for(pixels.first.div(width), end.add(width - 1).div(width), 1, (row) => {
      const before = row.mul(width);
      const base = rowAt(planes, row);
      f.for(pixels.first.max(before).sub(before), end.sub(before).min(width), 1, (pixel) => {
        const patchAt = placeAt(base.add(pixel.mul(pixelStep(window))));
        const now = f.get(toVar);
        for (const { from, panel, at, floats } of pieces)
          copy(f, placeAt(panel === 0 ? now : now.add(panelBytes.mul(panel)), 4 * at), behind(patchAt, from), floats);
        f.set(toVar, now.add(4 * wide));
      });
    });
  };
  const inPatch = (number: Int): Int => {
    const run = number.div(runs.floats);
    return runAt(runs, run).add(number.sub(run.mul(runs.floats)).shl(2));
  };
  /** Are so many panels from number `start + i` on all in one run? */
  const isOneRun = (i: Int, panels: number): Int => {
    const [first, last] = [start.add(i), start.add(i).add(panels * wide - 1)];
    return first.div(runs.floats).eq(last.div(runs.floats));
  };
  const copyRun = (i: Int, panels: number): void => {
    const from = inPatch(start.add(i));
    const pieces = Array.from({ length: panels }, (_, panel) => ({ from: placeAt(from, 4 * wide * panel), panel, at: 0, floats: wide }));
    copyPanels(to.add(i.mul(pixels.count).shl(2)), pieces);
  };
  // The most numbers of which every run and every panel has a whole number.
  const unit = [4, 2, 1].find((n) => runs.floats % n === 0 && wide % n === 0) as number;
  const copyUnits = (i: Int): void => {
    const pieces = Array.from({ length: wide / unit }, (_, p) => {
      const from = placeAt(
        inPatch(
          start
            .add(i)
            .add(unit * p)
            .min(patch - unit),
        ),
      );
      return { from, panel: 0, at: unit * p, floats: unit };
    });
    copyPanels(to.add(i.mul(pixels.count).shl(2)), pieces);
  };
  const one = (i: Int): void => {
    if (unit === wide || runs.floats < wide) copyUnits(i);
    else
      f.if(
        isOneRun(i, 1),
        () => copyRun(i, 1),
        () => copyUnits(i),
      );
  };
  const some = TOGETHER * wide;
  if (runs.floats < some) f.for(0, count, wide, one);
  else
    f.for(0, count, some, (i) =>
      f.if(
        isOneRun(i, TOGETHER).and(i.add(some).le(count)),
        () => copyRun(i, TOGETHER),
        () => f.for(i, i.add(some).min(count), wide, one),
      ),
    );
}

/** plane += the patches of so many rows of y, which are the rows of a matrix. */
export function addPatches(f: Func, window: Window, rows: Int | number, group: Int, plane: Int, matrix: Int): void {
  const { g } = window;
  const runs = runsOf(window);
  const { count, floats } = runs;
  const start = plane.add(group.mul(4 * g.w[2]));
  f.for(0, rows, 1, (i) => {
    f.for(0, g.y[2], 1, (j) => {
      const patch = start.add(i.mul(rowStep(window))).add(j.mul(pixelStep(window)));
      const row = matrix.add(
        i
          .mul(g.y[2])
          .add(j)
          .mul(4 * patchFloats(g)),
      );
      if (count * Math.ceil(floats / 4) <= UNROLLED) {
        for (let r = 0; r < count; r++) addRun(f, placeAt(patch, offsetOf(runs, r)), placeAt(row, 4 * floats * r), floats);
      } else f.for(0, count, 1, (r) => addRun(f, placeAt(patch.add(runAt(runs, r))), placeAt(row.add(r.mul(4 * floats))), floats));
    });
  });
}

function addRun(f: Func, to: Place, from: Place, floats: number): void {
  each(f, floats, (at, lanes) => {
    const [target, source] = [behind(to, at), behind(from, at)];
    put(f, lanes, target, take(f, lanes, target).add(take(f, lanes, source)));
  });
}
