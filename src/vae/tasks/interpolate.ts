// What lies between examples: pictures of the codes on the way from one to the other. The code of an example is the mean of q(z|x).

import type { Vae } from "../model.ts";
import { choice, whole } from "../settings.ts";
import { checkLabel, decodeLatents, type Examples, encodeImages, type Labelled } from "../use.ts";

export type Way = "linear" | "spherical";
export const ways: readonly Way[] = ["linear", "spherical"];

type Code = ArrayLike<number>;

/**
 * The code at t between a (0) and b (1).
 * - linear: (1 - t) · a + t · b
 * - spherical: the direction turns from a's to b's at a constant speed, and the length goes straight from |a| to |b|: with Ω the angle
 *   between them, ((1 - t) |a| + t |b|) · (sin((1 - t) Ω) · a/|a| + sin(t Ω) · b/|b|) / sin Ω. Codes of a standard normal in many dimensions
 *   have lengths near √n, and the straight line between two of them passes nearer to 0, where none are ("Sampling Generative Networks",
 *   White 2016, whose formula is this one for codes of equal length).
 */
export function codeBetween(a: Code, b: Code, t: number, way: Way = "spherical"): Float32Array {
  const [la, lb] = [length(a), length(b)];
  const mixed = (wa: number, wb: number) => Float32Array.from(a, (v, i) => wa * v + wb * b[i]);
  if (way === "linear" || la === 0 || lb === 0) return mixed(1 - t, t); // 0 has no direction
  const cosine = Array.from(a).reduce((sum, v, i) => sum + (v / la) * (b[i] / lb), 0);
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  if (angle < 1e-6) return mixed(1 - t, t); // on one line out of 0 both ways are the same
  if (Math.PI - angle < 1e-6) throw new Error("spherical: the codes lie opposite each other, so no way is the shortest; take linear");
  const size = ((1 - t) * la + t * lb) / Math.sin(angle);
  return mixed((size * Math.sin((1 - t) * angle)) / la, (size * Math.sin(t * angle)) / lb);
}

const length = (a: Code): number => Math.hypot(...Array.from(a));

export interface InterpolationOptions extends Labelled {
  readonly way?: Way;
  /** Pictures of a strip, of each side of a sheet, or of a loop from one example to the next; the ends are counted where they are shown. */
  readonly steps?: number;
  /**
   * - strip: from the first of two examples to the other.
   * - sheet: between four examples in the corners, the first two above, the other two below: along the left and the right side, then across.
   * - loop: from each example to the next and from the last to the first again, for an animation: of two, there and back.
   *
   * Left out, it is a strip for two examples and a sheet for four.
   */
  readonly form?: "strip" | "sheet" | "loop";
  /** What a conditional model is told all the way; if left out, the class of the nearest of the examples. */
  readonly label?: number | undefined;
}

export interface Interpolation {
  /** Pictures in a row. */
  readonly columns: number;
  /** [count, latent]: the codes. */
  readonly latents: Float32Array;
  /** [count, ...shape]: mean pictures. */
  readonly pictures: Float32Array;
}

/** A place on the way: its code, and which of the examples is nearest. */
interface Place {
  readonly code: Float32Array;
  readonly nearest: number;
}

/** Pictures between two or four examples. */
export async function interpolateImages(model: Vae, examples: Examples, options: InterpolationOptions = {}): Promise<Interpolation> {
  const { way = "spherical", steps = 10, label } = options;
  choice("way", way, ways);
  whole("steps", steps, 2);
  checkLabel("interpolateImages", model, label);
  const { latent, classes } = model;
  const { mean } = await encodeImages(model, examples, options.labels ? { labels: options.labels } : undefined);
  const count = mean.length / latent;
  const form = options.form ?? (count === 4 ? "sheet" : "strip");
  const wanted = { strip: 2, sheet: 4, loop: Math.max(2, count) }[form];
  if (count !== wanted) throw new Error(`interpolateImages: a ${form} is made between ${wanted} examples, not ${count}`);

  const codes = Array.from({ length: count }, (_, i): Place => ({ code: mean.subarray(i * latent, (i + 1) * latent), nearest: i }));
  const between = (a: Place, b: Place, t: number): Place => ({
    code: codeBetween(a.code, b.code, t, way),
    nearest: t < 0.5 ? a.nearest : b.nearest,
  });
  const along = (n: number, f: (t: number) => Place): Place[] => Array.from({ length: steps }, (_, i) => f(i / n));
  const last = steps - 1;
  const [a, b, c, d] = codes;
  const places = {
    strip: () => along(last, (t) => between(a, b, t)),
    sheet: () => along(last, (t) => between(a, c, t)).flatMap((left, i) => along(last, (t) => between(left, between(b, d, i / last), t))),
    loop: () => codes.flatMap((from, i) => along(steps, (t) => between(from, codes[(i + 1) % count], t))), // the next one begins where it ends
  }[form]();

  const latents = new Float32Array(places.length * latent);
  for (const [i, { code }] of places.entries()) latents.set(code, i * latent);
  const own = options.labels ?? (examples instanceof Float32Array ? undefined : examples.labels);
  const told = classes > 0 ? { labels: places.map(({ nearest }) => label ?? own?.[nearest] ?? 0) } : undefined;
  return { columns: form === "sheet" ? steps : places.length, latents, pictures: await decodeLatents(model, latents, told) };
}
