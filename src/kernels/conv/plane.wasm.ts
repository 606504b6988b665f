// The plane of an image: itself with its padding, or what some rows of y see of it. See patches.wasm.ts.

import type { Func, Int } from "../devices/wasm/assembler.ts";
import { copy, fill, placeAt } from "../devices/wasm/moves.ts";
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
