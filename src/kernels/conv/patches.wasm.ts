// The patches of images that a convolution multiplies, as rows of a matrix ("im2col"), and rows of such a matrix added to the
// images that they are patches of ("col2im").
//
//     x, one image                    its plane: x and padding       col: a row for each pixel of y
//     ┌───────┐                       ┌─────────┐                    ┌──────────────────────┐
//     │       │    copy, zeros around │0 0 0 0 0│    a run of kw · c │ row 0 │ row 1 │ …    │  of the patch, kh of them
//     │       │   ──────────────────► │0┌───┐  0│   ───────────────► ├──────────────────────┤
//     └───────┘                       │0│   │  0│    for each row of │                      │
//                                     └─────────┘    each patch      └──────────────────────┘
//
// Channels are last, so that a row of a patch is one piece of memory, and copying costs a few hundredths of the product.

import type { Func, Int } from "../devices/wasm/assembler.ts";
import { type Geometry, span } from "./geometry.ts";

/** What of an image is treated at once: `rows` rows of y, and the plane that they see. */
export interface Window {
  readonly g: Geometry;
  /** Rows of y; in the last window of an image there may be fewer. */
  readonly rows: number;
  /** Rows and columns of the plane. */
  readonly height: number;
  readonly width: number;
  /** Does the plane lie in the image as it is? Then nothing is copied. */
  readonly isImage: boolean;
}

export function windowOf(g: Geometry, rows: number): Window {
  const height = (rows - 1) * g.stride[0] + span(g.w[0], g.dilation[0]);
  const width = (g.y[2] - 1) * g.stride[1] + span(g.w[1], g.dilation[1]);
  const isWhole = rows === g.y[1] && g.pad.every((p) => p === 0) && height <= g.x[1] && width <= g.x[2];
  return isWhole ? { g, rows, height: g.x[1], width: g.x[2], isImage: true } : { g, rows, height, width, isImage: false };
}

export const planeFloats = ({ height, width, g }: Window): number => height * width * g.x[3];
/** The length of a row of col. */
export const patchFloats = (g: Geometry): number => g.w[0] * g.w[1] * g.w[2];

/** Columns of the image that the plane shows, and where in it. */
const shown = ({ g, width }: Window): { readonly left: number; readonly columns: number } => {
  const left = g.pad[1];
  return { left, columns: Math.max(0, Math.min(g.x[2], width - left)) };
};

/** Zeros in the plane where no image is ever copied to. */
export function clearPlane(f: Func, window: Window, plane: Int): void {
  fill(f, plane, planeFloats(window));
}

/** The rows of an image from `first` on (which may be above it) copied into the plane; zeros where there is no such row. */
export function showImage(f: Func, window: Window, image: Int, first: Int, plane: Int): void {
  const { g, height, width } = window;
  const [channels, { left, columns }] = [g.x[3], shown(window)];
  f.for(0, height, 1, (row) => {
    const target = plane.add(row.mul(4 * width * channels)).add(4 * left * channels);
    const h = f.get(f.intVar(first.add(row)));
    f.if(
      h.lt(g.x[1]), // unsigned: what is above the image is far below it
      () => copy(f, placeAt(target), placeAt(image.add(h.min(g.x[1] - 1).mul(4 * g.x[2] * channels))), columns * channels), // loads may be hoisted
      () => fill(f, target, columns * channels),
    );
  });
}

/** The plane's part that is image, copied there; zeros where the plane does not reach. */
export function keepImage(f: Func, window: Window, plane: Int, image: Int): void {
  const { g, height, width } = window;
  const [channels, { left, columns }] = [g.x[3], shown(window)];
  f.for(0, g.x[1], 1, (h) => {
    const target = image.add(h.mul(4 * g.x[2] * channels));
    const row = f.get(f.intVar(h.add(g.pad[0])));
    f.if(
      row.lt(height),
      () =>
        copy(
          f,
          placeAt(target),
          placeAt(plane.add(row.min(height - 1).mul(4 * width * channels)), 4 * left * channels),
          columns * channels,
        ),
      () => fill(f, target, columns * channels),
    );
    fill(f, target.add(4 * columns * channels), (g.x[2] - columns) * channels);
  });
}

/** Where some floats lie: at an address, and so many bytes behind it, which costs nothing. */
interface Place {
  readonly base: Int;
  readonly offset: number;
}
const placeAt = (base: Int, offset = 0): Place => ({ base, offset });

/** Visits the runs of each patch: where each lies in the plane and in col, and how many floats it has. */
function runs(
  f: Func,
  { g, width }: Window,
  rows: Int | number,
  group: Int,
  [plane, col]: readonly [Int, Int],
  visit: (inPlane: Place, inCol: Place, floats: number) => void,
): void {
  const [kh, kw, c1] = g.w;
  const channels = g.x[3];
  const isRow = g.dilation[1] === 1 && g.groups === 1; // then a row of a patch is one run
  const [across, floats] = isRow ? [1, kw * channels] : [kw, c1];
  const [down, right] = [4 * g.dilation[0] * width * channels, 4 * g.dilation[1] * channels];
  const start = plane.add(group.mul(4 * c1));
  f.for(0, rows, 1, (i) => {
    f.for(0, g.y[2], 1, (j) => {
      const patch = start.add(i.mul(4 * g.stride[0] * width * channels)).add(j.mul(4 * g.stride[1] * channels));
      const row = col.add(
        i
          .mul(g.y[2])
          .add(j)
          .mul(4 * patchFloats(g)),
      );
      if (kh * across * Math.ceil(floats / 4) <= UNROLLED) {
        for (let u = 0; u < kh; u++)
          for (let v = 0; v < across; v++) visit(placeAt(patch, u * down + v * right), placeAt(row, 4 * c1 * (u * kw + v)), floats);
        return;
      }
      f.for(0, kh, 1, (u) => {
        const along = (v: Int | number): void =>
          visit(
            placeAt(patch.add(u.mul(down)).add(f.asInt(v).mul(right))),
            placeAt(
              row.add(
                u
                  .mul(kw)
                  .add(v)
                  .mul(4 * c1),
              ),
            ),
            floats,
          );
        if (across === 1) along(0);
        else f.for(0, across, 1, along);
      });
    });
  });
}

/** col = the patches of the plane. Up to 3 floats after the last row of col are written. */
export function gatherPatches(f: Func, window: Window, rows: Int | number, group: Int, plane: Int, col: Int): void {
  // What is written past the end of a run is the beginning of the next, which is written next.
  runs(f, window, rows, group, [plane, col], (inPlane, inCol, floats) => copy(f, inCol, inPlane, 4 * Math.ceil(floats / 4)));
}

/** plane += the patches in col. */
export function addPatches(f: Func, window: Window, rows: Int | number, group: Int, plane: Int, col: Int): void {
  runs(f, window, rows, group, [plane, col], (to, from, floats) => {
    each(f, floats, (at, offset, isFour) => {
      const [target, source] = [to.base.add(at), from.base.add(at)];
      const [x, y] = [to.offset + offset, from.offset + offset];
      if (isFour) f.store(target, f.load(target, x).add(f.load(source, y)), x);
      else f.storeFirst(target, f.loadSplat(target, x).add(f.loadSplat(source, y)), x);
    });
  });
}

const UNROLLED = 16; // vectors: as many as it takes for a loop to cost little beside them

/** Visits so many floats by fours, then those that remain, one by one: each lies `at` + `offset` bytes behind the first. */
function each(f: Func, floats: number, visit: (at: Int | number, offset: number, isFour: boolean) => void): void {
  const whole = floats - (floats % 4);
  const vectors = whole / 4;
  const together = vectors <= UNROLLED ? vectors : 4;
  const looped = together === vectors ? 0 : vectors - (vectors % together);
  if (looped > 0) {
    f.for(0, 16 * looped, 16 * together, (at) => {
      for (let n = 0; n < together; n++) visit(at, 16 * n, true);
    });
  }
  for (let n = looped; n < vectors; n++) visit(0, 16 * n, true);
  for (let n = whole; n < floats; n++) visit(0, 4 * n, false);
}

function copy(f: Func, to: Place, from: Place, floats: number): void {
  each(f, floats, (at, offset, isFour) => {
    const [target, source] = [to.base.add(at), from.base.add(at)];
    if (isFour) f.store(target, f.load(source, from.offset + offset), to.offset + offset);
    else f.storeInt(target, f.loadInt(source, from.offset + offset), to.offset + offset);
  });
}

function fill(f: Func, to: Int, floats: number): void {
  const zero = f.asFloats(0);
  each(f, floats, (at, offset, isFour) => (isFour ? f.store(to.add(at), zero, offset) : f.storeFirst(to.add(at), zero, offset)));
}
