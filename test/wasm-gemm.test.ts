// The matrix product of the `wasm` device, in each tile that this engine accepts: against sums in float64, and where it
// could go wrong unseen: parts of larger matrices, memory beside them, work that is shared out.
import { describe, expect, test } from "vitest";
import { Module } from "../src/kernels/devices/wasm/assembler.ts";
import { gemm, scratchBytes } from "../src/kernels/matmul/gemm.wasm.ts";
import { type Tile, tileFor } from "../src/kernels/matmul/tile.wasm.ts";

const PAGE = 65536;
/** What may be read after the end of a matrix. */
const SLACK = 64;
/** A NaN that no arithmetic makes. */
const UNTOUCHED = 0x7fc0beef;

type Gemm = (
  ...args: readonly [
    ...sizes: [m: number, n: number, k: number],
    ...a: [address: number, step: number, flip: number],
    ...b: [address: number, step: number, flip: number],
    ...c: [address: number, step: number],
    scratch: number,
    accumulates?: number,
  ]
) => void;

interface Compiled {
  readonly name: string;
  readonly tile: Tile;
  readonly code: WebAssembly.Module;
}

function compiled(): Compiled[] {
  const all: Compiled[] = [];
  for (const relaxed of [false, true]) {
    for (const rows of [4, 6]) {
      for (const vectors of [2, 4]) {
        const constantAt = (word: number): number => {
          throw new Error(`no table of constants, and ${word} is asked for`);
        };
        const module = new Module({ initial: 1, maximum: 1024, shared: false }, { relaxed, constantAt });
        const tile = { rows, vectors };
        gemm(module, tile);
        const bytes = module.bytes();
        if (relaxed && !WebAssembly.validate(bytes)) continue;
        all.push({ name: `${rows} × ${4 * vectors}${relaxed ? ", madd" : ""}`, tile, code: new WebAssembly.Module(bytes) });
      }
    }
  }
  return all;
}
const tiles = compiled();

/** Scratch memory, and matrices above it: the first ends with its slack where memory ends, so that reading on traps. */
class Heap {
  readonly floats: Float32Array;
  readonly words: Uint32Array;
  readonly gemm: Gemm;
  readonly #scratch: number;
  #end = 0;

  constructor({ code, tile }: Compiled, capacity: number) {
    this.#scratch = 4 * Math.ceil(scratchBytes(tile) / 4);
    const memory = new WebAssembly.Memory({ initial: Math.ceil((this.#scratch + 4 * capacity) / PAGE), maximum: 1024 });
    this.floats = new Float32Array(memory.buffer);
    this.words = new Uint32Array(memory.buffer);
    this.gemm = new WebAssembly.Instance(code, { env: { memory } }).exports.gemm as Gemm;
    this.clear();
  }

  /** No matrices, and NaN everywhere. */
  clear(): void {
    this.words.fill(UNTOUCHED, this.#scratch / 4);
    this.#end = this.words.byteLength;
  }

  /** Room for so many floats, below the last room. */
  room(floats: number): number {
    this.#end -= SLACK + 4 * floats;
    if (this.#end < this.#scratch) throw new Error("the test's matrices need more memory");
    return this.#end;
  }

  /** What lies above scratch, and where that begins. */
  above(): { readonly words: Uint32Array; readonly start: number } {
    return { words: this.words.slice(this.#scratch / 4), start: this.#scratch / 4 };
  }
}

/** A stored matrix, its rows `step` floats apart; between them it stays NaN. */
interface Matrix {
  readonly at: number;
  readonly step: number;
  readonly flip: number;
}

let seed = 1;
const random = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1;

function matrix(heap: Heap, rows: number, columns: number, flip: number, gap: number): Matrix {
  const [height, width] = flip ? [columns, rows] : [rows, columns];
  const step = width + gap;
  const at = heap.room(stored(rows, columns, flip, gap));
  for (let i = 0; i < height; i++) for (let j = 0; j < width; j++) heap.floats[at / 4 + i * step + j] = random();
  return { at, step, flip };
}

/** The last row ends where its last column does. */
const stored = (rows: number, columns: number, flip: number, gap: number): number => {
  const [height, width] = flip ? [columns, rows] : [rows, columns];
  return Math.max(0, height * (width + gap) - gap);
};

const indexOf = ({ at, step, flip }: Matrix, row: number, column: number): number =>
  at / 4 + (flip ? column * step + row : row * step + column);

const FLIPS = [0, 1, 2, 3].map((f) => [f & 1, f >> 1] as const);

/** Multiplies, and holds each element of C against float64, and each word beside C against what it was. */
function check(heap: Heap, m: number, n: number, k: number, flips: readonly [number, number], gap: number, aIsLast = false): void {
  heap.clear();
  const makeA = () => matrix(heap, m, k, flips[0], gap);
  const makeB = () => matrix(heap, k, n, flips[1], gap);
  const last = aIsLast ? makeA() : makeB();
  const [a, b] = aIsLast ? [last, makeB()] : [makeA(), last];
  const c: Matrix = { at: heap.room(m * (n + gap)), step: n + gap, flip: 0 };
  const before = heap.above();
  heap.gemm(m, n, k, a.at, a.step, a.flip, b.at, b.step, b.flip, c.at, c.step, 0);

  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let [sum, magnitude] = [0, 0];
      for (let p = 0; p < k; p++) {
        const product = heap.floats[indexOf(a, i, p)] * heap.floats[indexOf(b, p, j)];
        sum += product;
        magnitude += Math.abs(product);
      }
      const got = heap.floats[indexOf(c, i, j)];
      if (!(Math.abs(got - sum) <= 1e-6 * magnitude))
        throw new Error(`${m} × ${k} · ${k} × ${n}, ${flips}, [${i}, ${j}]: ${got}, not ${sum}`);
      heap.words[indexOf(c, i, j)] = UNTOUCHED;
    }
  }
  const differs = before.words.findIndex((word, i) => word !== heap.words[before.start + i]);
  if (differs >= 0)
    throw new Error(`${m} × ${k} · ${k} × ${n}, ${flips}: word ${before.start + differs} beside C at ${c.at / 4} was written`);
}

describe("matrix products in WebAssembly [wasm]", () => {
  for (const one of tiles) {
    test(`odd sizes, every flag, tiles of ${one.name}`, () => {
      const heap = new Heap(one, 20_000);
      for (const flips of FLIPS) {
        for (const m of [0, 1, 2, 5, 8, 65]) {
          for (const n of [0, 1, 7, 8, 19, 65]) {
            for (const k of [1, 5, 8, 65]) {
              check(heap, m, n, k, flips, 0);
              check(heap, m, n, k, flips, 3, true);
            }
          }
        }
      }
    });

    test(`more than one block in each direction, tiles of ${one.name}`, () => {
      const heap = new Heap(one, 900_000);
      for (const flips of FLIPS) {
        check(heap, 7, 11, 784, flips, 0);
        check(heap, 7, 5, 1153, flips, 1, true);
        check(heap, 2, 2057, 400, flips, 0);
        check(heap, 5, 2057, 5, flips, 2, true);
        check(heap, 515, 9, 5, flips, 0);
        check(heap, 515, 9, 400, flips, 1, true);
      }
    });

    test(`however a product is shared out, its bits are the same, tiles of ${one.name}`, () => {
      for (const flips of FLIPS) {
        for (const [m, n, k] of [
          [23, 37, 5],
          [14, 21, 790],
        ]) {
          const heap = new Heap(one, 40_000);
          const [a, b] = [matrix(heap, m, k, flips[0], 0), matrix(heap, k, n, flips[1], 0)];
          const whole: Matrix = { at: heap.room(m * n), step: n, flip: 0 };
          const shared: Matrix = { ...whole, at: heap.room(m * n) };
          const part = (c: Matrix, row: number, column: number, rows: number, columns: number): void => {
            const [atA, atB, atC] = [indexOf(a, row, 0), indexOf(b, 0, column), indexOf(c, row, column)];
            heap.gemm(rows, columns, k, 4 * atA, a.step, a.flip, 4 * atB, b.step, b.flip, 4 * atC, c.step, 0);
          };
          const bitsOf = (c: Matrix): Uint32Array => heap.words.slice(c.at / 4, c.at / 4 + m * n);
          part(whole, 0, 0, m, n);
          for (const down of [1, 2, 3, 4, 5, 12, m]) {
            for (const across of [1, 3, 4, 8, 19, n]) {
              heap.words.fill(UNTOUCHED, shared.at / 4, shared.at / 4 + m * n);
              for (let i = 0; i < m; i += down)
                for (let j = 0; j < n; j += across) part(shared, i, j, Math.min(down, m - i), Math.min(across, n - j));
              expect(bitsOf(shared)).toEqual(bitsOf(whole));
            }
          }
        }
      }
    });

    test(`a sum in parts along k has the bits of one without a break, tiles of ${one.name}`, () => {
      for (const flips of FLIPS) {
        for (const [m, n, k, cut] of [
          [2, 37, 21, 9],
          [23, 17, 790, 405],
        ]) {
          const heap = new Heap(one, 60_000);
          const [a, b] = [matrix(heap, m, k, flips[0], 0), matrix(heap, k, n, flips[1], 0)];
          const [whole, parted]: Matrix[] = [0, 1].map(() => ({ at: heap.room(m * n), step: n, flip: 0 }));
          const part = (c: Matrix, from: number, to: number, accumulates: number): void => {
            const [atA, atB] = [4 * indexOf(a, 0, from), 4 * indexOf(b, from, 0)];
            heap.gemm(m, n, to - from, atA, a.step, a.flip, atB, b.step, b.flip, c.at, c.step, 0, accumulates);
          };
          part(whole, 0, k, 0);
          part(parted, 0, cut, 0);
          part(parted, cut, k, 1);
          const bitsOf = (c: Matrix): Uint32Array => heap.words.slice(c.at / 4, c.at / 4 + m * n);
          expect(bitsOf(parted)).toEqual(bitsOf(whole));
        }
      }
    });
  }

  test("the tile is as large as the engine's registers allow", () => {
    const node = (major: number, relaxed: boolean, turbo = false): Tile => tileFor({ major, relaxed, turbo });
    expect(node(11, false)).toEqual({ rows: 4, vectors: 2 });
    expect(node(12, true)).toEqual({ rows: 4, vectors: 2 });
    expect(node(13, false)).toEqual({ rows: 4, vectors: 2 });
    expect(node(13, true)).toEqual({ rows: 6, vectors: 2 });
    expect(node(13, true, true)).toEqual({ rows: 6, vectors: 4 });
    expect(tileFor({ major: undefined, relaxed: true, turbo: false })).toEqual({ rows: 6, vectors: 2 });
  });
});
