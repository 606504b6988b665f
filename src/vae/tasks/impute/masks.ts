// Which values of examples are seen and which are hidden, to see how well a model fills them in.

import { choice, seedOf } from "../../settings.ts";
import { stream } from "../../statistics/random.ts";

export type Missing = "random" | "block" | "half";
export const missingKinds: readonly Missing[] = ["random", "block", "half"];

export interface MaskOptions {
  /** `random`: pixels anywhere; `block`: a rectangle of the picture's proportions; `half`: the upper, lower, left or right half. */
  readonly missing?: Missing;
  /** Of the pixels, how many are hidden, as near as whole pixels (or a rectangle) come to it; ½ if left out. A half is a half. */
  readonly share?: number | undefined;
  readonly seed?: number;
}

/**
 * 1 where a value is seen, 0 where it is hidden, [count, ...shape]; other places in each example. The channels of a pixel are hidden together.
 * Throws if a share would hide nothing or everything.
 */
export function masksFor(shape: readonly number[], count: number, options: MaskOptions = {}): Uint8Array {
  const { missing = "random", share, seed = 1 } = options;
  choice("missing", missing, missingKinds);
  seedOf(seed);
  if (missing === "half" && share !== undefined) throw new Error(`share: ${share} is of no use to "half", which hides one`);
  if (share !== undefined && !(share > 0 && share < 1)) throw new Error(`share: ${share} is not between 0 and 1`);
  const [height, width, channels] = shape.length === 3 ? shape : [1, shape.reduce((n, d) => n * d, 1), 1];
  if (shape.length !== 3 && missing !== "random")
    throw new Error(`missing: "${missing}" is for pictures, not for values of [${shape.join(", ")}]`);
  const { below } = stream(seed);
  const hide = hiders[missing]({ height, width, share: share ?? 0.5, below });

  const pixels = height * width;
  const seen = new Uint8Array(count * pixels * channels).fill(1);
  for (let i = 0; i < count; i++) {
    const hidden = hide();
    if (hidden.size === 0 || hidden.size === pixels) {
      const what = hidden.size === 0 ? "nothing" : "everything";
      throw new Error(`share: ${share ?? 0.5} of ${height} x ${width} pixels, "${missing}", hides ${what}; take another share`);
    }
    for (const p of hidden) seen.fill(0, (i * pixels + p) * channels, (i * pixels + p + 1) * channels);
  }
  return seen;
}

interface Place {
  readonly height: number;
  readonly width: number;
  readonly share: number;
  below(n: number): number;
}

/** Of each kind a function that says, anew each time, which pixels are hidden. */
const hiders: Readonly<Record<Missing, (place: Place) => () => ReadonlySet<number>>> = {
  random: ({ height, width, share, below }) => {
    const order = Array.from({ length: height * width }, (_, i) => i);
    return () => {
      const count = Math.round(share * order.length);
      for (let i = 0; i < count; i++) {
        const j = i + below(order.length - i); // the first steps of a shuffle (Fisher and Yates)
        [order[i], order[j]] = [order[j], order[i]];
      }
      return new Set(order.slice(0, count));
    };
  },
  block: ({ height, width, share, below }) => {
    const [h, w] = [Math.round(height * Math.sqrt(share)), Math.round(width * Math.sqrt(share))];
    return () => rectangle(below(height - h + 1), below(width - w + 1), h, w, width);
  },
  half: ({ height, width, below }) => {
    const [h, w] = [Math.floor(height / 2), Math.floor(width / 2)];
    const halves = [
      [0, 0, h, width],
      [height - h, 0, h, width],
      [0, 0, height, w],
      [0, width - w, height, w],
    ] as const;
    return () => {
      const [top, left, tall, wide] = halves[below(4)];
      return rectangle(top, left, tall, wide, width);
    };
  },
};

function rectangle(top: number, left: number, height: number, width: number, line: number): Set<number> {
  return new Set(Array.from({ length: height * width }, (_, i) => (top + Math.floor(i / width)) * line + left + (i % width)));
}
