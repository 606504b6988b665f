// Subgroup matrices, which is what WebGPU calls tensor cores: what an adapter offers, and which block of C a product gets that is
// computed by them (matmul-matrix.wgsl). Only products of mixed precision are: no adapter multiplies matrices of f32.
// The numbers of the table follow from reasoning, as those of tiles.ts; none was measured on a GPU yet.

import { bandFor, type Sizes } from "./tiles.ts";

/** Matrices of m × k and k × n in f16, multiplied and added up in f32 by a subgroup of so many invocations. */
export interface Matrices {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly lanes: number;
}

/** The part of an adapter's description that says so; new, and not yet in the types. */
interface Info {
  readonly subgroupMinSize?: number;
  readonly subgroupMaxSize?: number;
  readonly subgroupMatrixConfigs?: Iterable<{ componentType: string; resultComponentType: string; M: number; N: number; K: number }>;
}

const FEATURES = ["shader-f16", "subgroups", "chromium-experimental-subgroup-matrix"];

/** The largest that the adapter offers; undefined if it offers none. */
export function matricesOf(adapter: GPUAdapter, { features }: GPUDevice): Matrices | undefined {
  const { subgroupMinSize, subgroupMaxSize, subgroupMatrixConfigs = [] } = adapter.info as Info;
  if (!FEATURES.every((f) => features.has(f))) return undefined;
  if (!subgroupMaxSize || subgroupMinSize !== subgroupMaxSize) return undefined; // the code says how many invocations a subgroup has
  return [...subgroupMatrixConfigs]
    .filter(({ componentType, resultComponentType }) => componentType === "f16" && resultComponentType === "f32")
    .map(({ M, N, K }) => ({ m: M, n: N, k: K, lanes: subgroupMaxSize }))
    .sort((a, b) => b.m * b.n * b.k - a.m * a.n * a.k)[0];
}

/** The block of C that a workgroup makes, and how many subgroups share it. */
interface Block {
  readonly height: number;
  readonly width: number;
  readonly down: number;
  readonly across: number;
  /** Taken if at least so many workgroups come of it. */
  readonly least: number;
  readonly why: string;
}

const DEPTH = 32; // of a slice

/** The first that fits is taken. */
const blocks: readonly Block[] = [
  { height: 128, width: 128, down: 2, across: 4, least: 128, why: "each value that is read is multiplied most often; C must be large" },
  { height: 64, width: 64, down: 2, across: 2, least: 64, why: "a quarter of the block, so four times the workgroups" },
  { height: 32, width: 32, down: 2, across: 2, least: 0, why: "what is small is done sooner by many small workgroups" },
];

const FILLED = 0.75; // of the blocks: what hangs over the edge is computed, too
const INVOCATIONS = 256; // of a workgroup, which WebGPU guarantees

/** The block, whether C or the last slice hangs over its edge, and the constants of matmul-matrix.wgsl. */
export interface MatrixBlocks {
  readonly height: number;
  readonly width: number;
  readonly hangs: boolean;
  readonly constants: Readonly<Record<string, number>>;
}

/** For a product whose sums are so long; undefined if tiles serve it better, or no block fits. */
export function inMatrices(
  sizes: Sizes,
  length: number,
  matrices: Matrices,
  memory: number,
  along: { readonly a: boolean; readonly b: boolean },
): MatrixBlocks | undefined {
  const { m, n, k, lanes } = matrices;
  const fits = ({ height, width, down, across, least }: Block): boolean => {
    const count = Math.ceil(sizes.m / height) * Math.ceil(sizes.n / width);
    const filled = (sizes.m * sizes.n) / (count * height * width);
    const isWhole = height % (down * m) === 0 && width % (across * n) === 0 && DEPTH % k === 0;
    const isLarge = sizes.batch * sizes.parts * count >= least && (filled >= FILLED || least === 0);
    return isWhole && isLarge && down * across * lanes <= INVOCATIONS && bytes(height, width, down * across * m * n, along) <= memory;
  };
  const block = sizes.m >= m && sizes.n >= n && length >= k ? blocks.find(fits) : undefined;
  if (!block) return undefined;
  const { height, width, down, across } = block;
  const hangs = sizes.m % height > 0 || sizes.n % width > 0 || length % DEPTH > 0;
  const counts = { ROWS: height / down / m, COLUMNS: width / across / n, DOWN: down, ACROSS: across, DEPTH, LANES: lanes };
  return { height, width, hangs, constants: { M: m, N: n, K: k, ...counts, BAND: bandFor({ height, width }, sizes) } };
}

/** Of workgroup memory: two slices in f16, each line longer by two vectors of four, and a matrix of sums for each subgroup. */
function bytes(height: number, width: number, sums: number, along: { a: boolean; b: boolean }): number {
  const slice = (side: number, alongP: boolean) => 2 * (alongP ? side * (DEPTH + 8) : DEPTH * (side + 8));
  return slice(height, along.a) + slice(width, along.b) + 4 * sums;
}
