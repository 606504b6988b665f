// Which pictures an encoder of convolutions can take, so that its decoder comes back to their size. Along each axis a layer makes
// ⌊(n + 2 · padding - kernel) / stride⌋ + 1 pixels of n.

export interface Steps {
  readonly layers: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly decoder: "transposed" | "upsample";
}

/** Pixels along an axis, before the first layer and after each; undefined if the decoder would not come back. */
export function sizesAlong(size: number, steps: Steps): number[] | undefined {
  const sizes = [size];
  for (const from of sizes) {
    if (sizes.length > steps.layers) break;
    const to = Math.floor((from + 2 * steps.padding - steps.kernel) / steps.stride) + 1;
    const isExact = steps.decoder === "transposed" && outputPadding(from, to, steps) === 0;
    if (to < 1 || (to * steps.stride !== from && !isExact)) return undefined;
    sizes.push(to);
  }
  return sizes;
}

/** Pixels that the transposed layer from `to` to `from` has to add at the end: none, or less than a stride. */
export const outputPadding = (from: number, to: number, { kernel, stride, padding }: Steps): number =>
  from - ((to - 1) * stride + kernel - 2 * padding);

/** The pictures do not fit the model. */
export class UnfitSizeError extends Error {
  /** The size of a square that fits, if any does. */
  readonly nearest: number | undefined;

  constructor(height: number, width: number, steps: Steps) {
    const { layers, kernel, stride, padding, decoder } = steps;
    const step = Math.min(stride ** layers, FAR);
    const size = Math.max(height, width);
    let smallest = 1; // what the decoder makes of one pixel
    for (let i = 0; i < layers; i++) smallest = Math.min(Math.max((smallest - 1) * stride + kernel - 2 * padding, stride), FAR);
    const end = Math.min(Math.max(size, smallest), FAR) + 4 * step;
    const fitting: number[] = [];
    for (let n = 1; n <= end; n++) if (sizesAlong(n, steps)) fitting.push(n);
    const near = fitting
      .slice(
        Math.max(
          0,
          fitting.findLastIndex((n) => n <= size),
        ),
      )
      .slice(0, 4);
    const isMultiple = step > 1 && fitting[0] === step && fitting.every((n) => n % step === 0);
    const all = `${layers} ${layers === 1 ? "layer" : "layers"} of ${isMultiple ? "" : `kernel ${kernel}, padding ${padding}, `}stride ${stride}`;
    const taken = `${layers === 1 ? "takes" : "take"} ${isMultiple ? `multiples of ${step}: ` : "sizes like "}${near.join(", ")}`;
    const none = `with decoder "${decoder}" fit no size; choose another padding`;
    super(`convVae: ${height} x ${width} images: ${all} ${fitting.length > 0 ? taken : none}`);
    this.nearest = near.toSorted((a, b) => Math.abs(a - size) - Math.abs(b - size) || b - a)[0];
  }
}
const FAR = 10_000; // pixels: no size beyond is looked at
