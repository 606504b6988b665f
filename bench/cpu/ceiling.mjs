// node bench/cpu/ceiling.mjs [--samples 15]: what a core can do at most in this Node, with its flags. Sums in registers, s ← s · x + y, wait for
// nothing but themselves, so no kernel made of the same instructions is faster. And how fast memory is copied. One line of JSON.
// The module is put together byte by byte: the bench must not depend on the assembler of the engine that it measures.
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";

const ITERATIONS = 1_000_000;
const { values: given } = parseArgs({ options: { samples: { type: "string", default: "15" } }, strict: false });
const SAMPLES = Number(given.samples);

const [I32, V128, VOID] = [0x7f, 0x7b, 0x40];
const [LOOP, END, BR_IF, GET, SET, TEE, CONST, SUB] = [0x03, 0x0b, 0x0d, 0x20, 0x21, 0x22, 0x41, 0x6b];
const [LOAD, SPLAT, STORE] = [0x00, 0x09, 0x0b].map((code) => [0xfd, code]); // v128.load, load32_splat, store
const [ADD, MUL, MADD] = [0xe4, 0xe6, 0x105].map((code) => [0xfd, ...leb(code)]); // f32x4.add, mul, relaxed_madd

/** s · x + y of the locals s, x and y, as it is put on the stack. @type {Record<string, (s: number, x: number, y: number) => number[]>} */
const formulas = {
  "mul, add": (s, x, y) => [GET, s, GET, x, ...MUL, GET, y, ...ADD],
  madd: (s, x, y) => [GET, s, GET, x, GET, y, ...MADD],
};

// A sum takes 6 to 8 cycles for its two instructions, and a core begins 2 of each in every cycle: 12 sums keep it busy, in the 15
// registers that V8 has. Where V8 makes one instruction of 256 bits from two of 128, 24 sums are 12 registers.
const COUNTS = [12, 24];

/** A module of one function, of the number of iterations. @param {string} how @param {number} sums */
function moduleOf(how, sums) {
  const [n, x, y, s] = [0, 1, 2, 3]; // locals; the sums are from s on
  const all = Array.from({ length: sums }, (_, i) => ({ local: s + i, address: [CONST, 0], at: [4, ...leb(64 + 16 * i)] }));
  const body = [
    ...[CONST, 0, ...SPLAT, 2, 0, SET, x],
    ...[CONST, 0, ...SPLAT, 2, 4, SET, y],
    ...all.flatMap(({ local, address, at }) => [...address, ...LOAD, ...at, SET, local]),
    ...[LOOP, VOID],
    ...all.flatMap(({ local }) => [...formulas[how](local, x, y), SET, local]),
    ...[GET, n, CONST, 1, SUB, TEE, n, BR_IF, 0],
    END,
    // Neighbours in memory: this is how V8 finds pairs.
    ...all.flatMap(({ local, address, at }) => [...address, GET, local, ...STORE, ...at]),
    END,
  ];
  const code = [1, ...leb(2 + sums), V128, ...body];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, I32, 0]), // a type, (i32) → ()
    ...section(3, [1, 0]), // a function of that type
    ...section(5, [1, 0, 1]), // a memory of one page
    ...section(7, [2, ...name("run"), 0, 0, ...name("memory"), 2, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}

/** @param {number} id @param {number[]} content */
function section(id, content) {
  return [id, ...leb(content.length), ...content];
}

/** @param {string} text */
function name(text) {
  return [text.length, ...Buffer.from(text)];
}

/** A whole number, seven bits to a byte. @param {number} n @returns {number[]} */
function leb(n) {
  return n < 128 ? [n] : [(n & 127) | 128, ...leb(n >>> 7)];
}

/** @param {string} how @param {number} sums */
function sampled(how, sums) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleOf(how, sums)));
  const { run, memory } = /** @type {{ run(n: number): void, memory: WebAssembly.Memory }} */ (/** @type {unknown} */ (exports));
  const values = new Float32Array(memory.buffer).fill(1);
  values[0] = 0.5; // s ← s / 2 + 1, which tends to 2
  const ms = timed(SAMPLES, () => run(ITERATIONS));
  const last = values[16 + 4 * sums - 1];
  if (Math.abs(last - 2) > 1e-5) throw new Error(`a sum is ${last}, and 2 was expected`);
  return { how: `${how} (${sums})`, flop: ITERATIONS * sums * 4 * 2, ms };
}

/** 64 MiB, which no cache holds, read and written. */
function copied() {
  const [from, to] = [new Uint8Array(2 ** 26).fill(1), new Uint8Array(2 ** 26)];
  return { bytes: 2 * from.length, ms: timed(SAMPLES, () => to.set(from)) };
}

/** Milliseconds, without the first calls, in which V8 still compiles. @param {number} samples @param {() => void} body */
function timed(samples, body) {
  const times = Array.from({ length: samples + 5 }, () => {
    const start = performance.now();
    body();
    return performance.now() - start;
  });
  return times.slice(5);
}

const isValid = (/** @type {string} */ how) => WebAssembly.validate(moduleOf(how, COUNTS[0]));
if (!isValid("madd")) setFlagsFromString("--experimental-wasm-relaxed-simd"); // Node 20 has it, behind a flag
const ceilings = Object.keys(formulas)
  .filter(isValid)
  .flatMap((how) => COUNTS.map((sums) => sampled(how, sums)));
console.log(JSON.stringify({ ceilings, copy: copied() }));
