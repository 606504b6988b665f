// The memory of the wasm device: one WebAssembly.Memory, cut into blocks. What lies in a block is not known here.
//
//   0 … 4095    words by which threads agree (barrier.ts); free for a device with one thread
//   4096 … 64K  constants of kernels, each once
//   64K …       blocks, each followed by 64 bytes that nobody owns: kernels read and write whole vectors past the end
//   … the end   64 KiB of slack, for the panels of a product, which are rounded up to tiles

import { OutOfMemoryError } from "../errors.ts";
import type { MemoryLimits } from "./assembler.ts";

const PAGE = 65536;
const CONSTANTS = 4096;
const FIRST = PAGE;
const LINE = 64; // a cache line, and a multiple of every vector
const SLACK = PAGE;
const INITIAL = 3; // pages: the reserved one, one for blocks, the slack
const STEP = 1024; // pages: the memory doubles until it has 64 MiB, then grows by as much
const MOST_PAGES = 65536; // what an address of 32 bits reaches

export interface HeapOptions {
  /** Whether several threads use it. Shared memory is never given back to the system while anybody holds it. */
  readonly shared?: boolean;
  /** In pages of 64 KiB: 65536 at most, and by default. */
  readonly maximum?: number | undefined;
}

export class Heap {
  readonly memory: WebAssembly.Memory;
  /** How a module imports this memory. */
  readonly limits: MemoryLimits;
  /** In bytes: what was asked for, or what the engine was willing to reserve. */
  readonly #maximum: number;
  #top = FIRST; // blocks, in use or free, lie below; above nothing has been given out yet
  #bytes = 0;
  readonly #sizes = new Map<number, number>(); // of the blocks in use, by address
  readonly #free = new FreeBlocks();
  readonly #constants = new Map<number, number>();

  constructor({ shared = false, maximum = MOST_PAGES }: HeapOptions = {}) {
    const reserved = reserve(maximum, shared);
    this.memory = reserved.memory;
    this.#maximum = reserved.maximum * PAGE;
    this.limits = { initial: INITIAL, maximum: MOST_PAGES, shared }; // a memory with a lower maximum fits as well
  }

  /** Bytes in use, with what blocks are rounded up by. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The address of a block of so many bytes, a multiple of 64. What lies there is left over from before. */
  alloc(bytes: number): number {
    const size = Math.ceil(bytes / LINE) * LINE + LINE;
    const address = this.#free.take(size) ?? this.#fromTop(size);
    this.#sizes.set(address, size);
    this.#bytes += size;
    return address;
  }

  free(address: number): void {
    const size = this.#sizes.get(address);
    if (size === undefined) throw new Error(`wasm: no block of memory begins at ${address}`);
    this.#sizes.delete(address);
    this.#bytes -= size;
    const { start, end } = this.#free.add(address, address + size);
    if (end < this.#top) return;
    this.#free.remove(start);
    this.#top = start;
  }

  #fromTop(size: number): number {
    const address = this.#top;
    this.#reach(address + size, size);
    this.#top = address + size;
    return address;
  }

  /** Makes the memory long enough for blocks up to `end`. */
  #reach(end: number, size: number): void {
    const has = this.memory.buffer.byteLength / PAGE;
    const needed = Math.ceil((end + SLACK) / PAGE) - has;
    if (needed <= 0) return;
    const beside = `wasm: no memory for ${readable(size)} beside ${readable(this.#bytes)} in use`;
    const room = this.#maximum / PAGE - has;
    if (needed > room) {
      const limit = this.#maximum === MOST_PAGES * PAGE ? "WebAssembly addresses 4 GiB" : `this memory may have ${readable(this.#maximum)}`;
      throw new OutOfMemoryError(`${beside}; ${limit}: use smaller batches`);
    }
    if (grow(this.memory, Math.min(room, Math.max(needed, Math.min(has, STEP))))) return;
    if (grow(this.memory, needed)) return;
    throw new OutOfMemoryError(`${beside}: the system gives this process no more; use smaller batches`);
  }

  /** The address of a word that holds this constant, always the same one. */
  constantAt(word: number): number {
    const bits = word >>> 0;
    const known = this.#constants.get(bits);
    if (known !== undefined) return known;
    const address = CONSTANTS + 4 * this.#constants.size;
    if (address >= FIRST) throw new Error(`wasm: the kernels use more than ${(FIRST - CONSTANTS) / 4} constants; open the device again`);
    this.words(address, 1)[0] = bits;
    this.#constants.set(bits, address);
    return address;
  }

  // Views are made where they are needed and dropped at once: when memory that is not shared grows, they all become empty.

  floats(address: number, n: number): Float32Array {
    return new Float32Array(this.memory.buffer, address, n);
  }

  words(address: number, n: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, address, n);
  }

  octets(address: number, n: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, n);
  }
}

/** A memory that may grow to `maximum` pages, or to less where the engine does not reserve so many addresses. */
function reserve(maximum: number, shared: boolean): { memory: WebAssembly.Memory; maximum: number } {
  for (let most = maximum; ; most = Math.floor(most / 2)) {
    try {
      return { memory: new WebAssembly.Memory({ initial: INITIAL, maximum: most, shared }), maximum: most };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (most / 2 >= 256) continue; // less than 16 MiB serves nobody
      throw new OutOfMemoryError(`wasm: the engine reserves no memory, not even ${readable(most * PAGE)}`, { cause: error });
    }
  }
}

function grow(memory: WebAssembly.Memory, pages: number): boolean {
  try {
    memory.grow(pages);
    return true;
  } catch {
    return false; // the one error there is: no memory
  }
}

const UNITS = ["bytes", "KiB", "MiB", "GiB"] as const;

function readable(bytes: number): string {
  const unit = bytes < 1024 ? 0 : Math.min(3, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** unit;
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** Free blocks. Two that touch are one; the smallest that is large enough is taken. */
class FreeBlocks {
  readonly #ends = new Map<number, number>(); // by start
  readonly #starts = new Map<number, number>(); // by end
  readonly #sorted: { readonly size: number; readonly start: number }[] = []; // the smallest first, then the lowest

  take(size: number): number | undefined {
    const found = this.#sorted[this.#place(size, 0)];
    if (!found) return undefined;
    const { start } = found;
    const end = this.#ends.get(start) as number;
    this.remove(start);
    if (found.size > size) this.#insert(start + size, end);
    return start;
  }

  /** Adds a block, and says what it has become part of. */
  add(start: number, end: number): { start: number; end: number } {
    const before = this.#starts.get(start);
    if (before !== undefined) {
      this.remove(before);
      start = before;
    }
    const after = this.#ends.get(end);
    if (after !== undefined) {
      this.remove(end);
      end = after;
    }
    this.#insert(start, end);
    return { start, end };
  }

  remove(start: number): void {
    const end = this.#ends.get(start) as number;
    this.#ends.delete(start);
    this.#starts.delete(end);
    this.#sorted.splice(this.#place(end - start, start), 1);
  }

  #insert(start: number, end: number): void {
    this.#ends.set(start, end);
    this.#starts.set(end, start);
    this.#sorted.splice(this.#place(end - start, start), 0, { size: end - start, start });
  }

  /** How many blocks are smaller, or as large and lower: found by halving. */
  #place(size: number, start: number): number {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = this.#sorted[middle];
      if (at.size < size || (at.size === size && at.start < start)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
