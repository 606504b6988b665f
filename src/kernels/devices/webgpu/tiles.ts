// Which tile a product gets on a GPU, and into how many parts its sums are cut: a table, and whatever was found faster (tune.ts).
// The numbers follow from reasoning about cores, registers and caches; none was measured on a GPU yet.
//
// No tile changes a bit: each sum runs in the order of k within its part, by fma, however the blocks of C are cut, and the number of
// parts depends on the shape only. (WGSL lets a driver round an fma twice. One that did so in some kernels only would change bits.)

/** The block of C that a workgroup makes, the slices of k in which it does so, and the elements that each invocation holds. */
export interface Tile {
  readonly height: number;
  readonly width: number;
  readonly depth: number;
  /** 4 or 8, as the columns. */
  readonly rows: number;
  readonly columns: number;
}

/** A product as the choice sees it. `batch` counts matrices, `parts` those pieces of each sum that are made beside each other. */
export interface Sizes {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly parts: number;
}

interface Row {
  /** Taken if at least so many workgroups come of it, and C fills them; one that asks for none, if no other is much fuller. */
  readonly least: number;
  readonly why: string;
}

const NEVER = Number.POSITIVE_INFINITY;

/** The first that fits. A name says height x width x depth / rows x columns of an invocation. */
const table: Readonly<Record<string, Row>> = {
  "128x128x16/8x8": { least: 256, why: "most products for each value that is read; C must be large, or most of the GPU idles" },
  "128x64x16/8x8": { least: 256, why: "as many products for each value in workgroup memory, for results of 64 columns" },
  "64x64x16/8x4": { least: 128, why: "a quarter of the block, so four times the workgroups: 1024 x 1024 fills a large GPU" },
  "128x32x16/8x4": { least: 128, why: "for results of 32 columns, as convolutions of 32 channels have" },
  "32x32x16/4x4": { least: 0, why: "what is small is done sooner by many small workgroups" },
  "64x16x16/4x4": { least: 0, why: "the same for few columns, as products with latents have" },
  "16x64x16/4x4": { least: 0, why: "and for few rows, as small batches have" },
  "64x64x16/8x8": { least: NEVER, why: "for tuning: fewer reads of workgroup memory, and only two warps in a workgroup" },
  "64x64x16/4x4": { least: NEVER, why: "for tuning: most invocations, where registers are few" },
  "128x128x8/8x8": { least: NEVER, why: "for tuning: half the workgroup memory, twice the barriers" },
  "32x32x8/8x8": { least: NEVER, why: "for tuning: for processors whose groups of invocations are 16 wide" },
};

export const tileNames: readonly string[] = Object.keys(table);

const tiles = new Map(tileNames.map((name) => [name, parsed(name)]));

function parsed(name: string): Tile {
  const [height, width, depth, rows, columns] = name.split(/[x/]/).map(Number);
  return { height, width, depth, rows, columns };
}

/** The tile of a name that was checked. */
export const tileNamed = (name: string): Tile => tiles.get(name) as Tile;

/** Throws unless there is such a tile. */
export function checkedTile(name: unknown, where: string): string {
  if (tileNames.includes(name as string)) return name as string;
  throw new Error(`${where}: there is no tile ${JSON.stringify(name)}; there are ${tileNames.join(", ")}`);
}

export const blocksDown = (tile: Pick<Tile, "height">, { m }: Pick<Sizes, "m">): number => Math.ceil(m / tile.height);
export const blocksAcross = (tile: Pick<Tile, "width">, { n }: Pick<Sizes, "n">): number => Math.ceil(n / tile.width);

/** The name of the tile that the table has for a product. */
export function tileFor(sizes: Sizes): string {
  const large = tileNames.find((name) => {
    const groups = sizes.batch * sizes.parts * blocksDown(tileNamed(name), sizes) * blocksAcross(tileNamed(name), sizes);
    return table[name].least > 0 && groups >= table[name].least && filled(name, sizes) >= FILLED;
  });
  const small = tileNames.filter((name) => table[name].least === 0);
  const fullest = Math.max(...small.map((name) => filled(name, sizes)));
  return large ?? (small.find((name) => filled(name, sizes) >= FILLED * fullest) as string); // the fullest is one
}

const FILLED = 0.75; // of the blocks: what hangs over the edge is computed, too

function filled(name: string, sizes: Sizes): number {
  const tile = tileNamed(name);
  return (sizes.m * sizes.n) / (blocksDown(tile, sizes) * tile.height * blocksAcross(tile, sizes) * tile.width);
}

/** The tiles that may be as fast: none whose blocks are only half as full. */
export const candidatesFor = (sizes: Sizes): string[] =>
  tileNames.filter((name) => 2 * filled(name, sizes) > filled(tileFor(sizes), sizes));

/** Rows of blocks that are computed together so that they find each other's operands in the cache; 1 where all fits into it anyway. */
export const bandFor = (tile: Pick<Tile, "height" | "width">, sizes: Sizes): number =>
  Math.min(blocksDown(tile, sizes), blocksAcross(tile, sizes)) >= 16 ? 8 : 1;

const FEW = 64 * 256; // invocations that leave most of a GPU idle
const ENOUGH = 128 * 256;
const LONG = 512; // along k, from which two dispatches are faster than one
const SHORTEST = 128; // of the parts
/** Parts are whole slices, of any tile. */
export const SLICE = 16;

/** Into how many parts sums of length k are cut, where the product in one piece occupies so many invocations. */
export const partsFor = (lanes: number, k: number): number =>
  lanes >= FEW || k < LONG ? 1 : Math.min(Math.ceil(ENOUGH / lanes), Math.floor(k / SHORTEST));

/** What those are, for any tile: with 16 elements to an invocation, in blocks of 64 x 64. */
export const lanesFor = ({ batch, m, n }: Pick<Sizes, "batch" | "m" | "n">): number => 256 * batch * Math.ceil(m / 64) * Math.ceil(n / 64);

/** Tiles that were found faster: adapter → product → tile. Plain JSON, to be given back to `open("webgpu", { tiles })`. */
export type Tiles = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Throws unless these are tiles as `tune` gives them. */
export function checkedTiles(value: unknown, where: string): Tiles {
  const record = (x: unknown, of: string): [string, unknown][] => {
    if (typeof x === "object" && x !== null && !Array.isArray(x)) return Object.entries(x);
    throw new Error(`${where}: ${of} is ${JSON.stringify(x)}, not a record; give back what tune() returned`);
  };
  for (const [adapter, found] of record(value, "the whole"))
    for (const [product, name] of record(found, JSON.stringify(adapter))) checkedTile(name, `${where}: ${product}`);
  return value as Tiles;
}

/** A product's name among the tuned: the op, whether each operand lies as it is (n) or transposed (t), batch, m, n, k. */
export const productKey = (
  op: string,
  along: { readonly a: boolean; readonly b: boolean },
  { batch, m, n, k }: Omit<Sizes, "parts">,
): string => `${op} ${along.a ? "n" : "t"}${along.b ? "t" : "n"} ${batch}x${m}x${n}x${k}`;
