// safetensors: what is written is read, and each verdict on a hostile file is that of the format's own reader, or stricter.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readSafetensors, type StoredTensor, writeSafetensors } from "../src/vae/safetensors.ts";

/** A file with this header, given as text or as what JSON makes of a value, and this many bytes of values. */
function file(header: unknown, values = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + values);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}
const length = (n: bigint, rest = 8) => {
  const bytes = new Uint8Array(8 + rest).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, n, true);
  return bytes;
};
const f32 = (shape: number[], begin: number, end: number) => ({ dtype: "F32", shape, data_offsets: [begin, end] });

describe("refused", () => {
  const verdicts: [string, Uint8Array, string][] = [
    ["an empty file", new Uint8Array(0), "not a safetensors file: 0 bytes"],
    ["seven bytes", new Uint8Array(7), "not a safetensors file: 7 bytes"],
    ["a header longer than the file", length(9n), "the header is said to be 9 bytes long, but 8 follow"],
    ["a header of 2^63 bytes", length(2n ** 63n), "the header is said to be 9223372036854775808 bytes long; at most 10000000 are read"],
    ["a header of 101 MB", length(101_000_000n), "the header is said to be 101000000 bytes long"],
    ["a header that is not JSON", file("{]"), "the header is not JSON in UTF-8"],
    ["no header at all", file(""), "the header is not JSON in UTF-8"],
    ["a byte order mark", file("\ufeff{}"), "the header is not JSON in UTF-8"],
    ["bad UTF-8", Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22, 0xff, 0x22, 0x7d), "the header is not JSON in UTF-8"],
    ["a header that is a list", file([]), "the header is a list, not an object"],
    ["a header that is null", file(null), "the header is null, not an object"],
    ["an entry that is a number", file({ a: 1 }), "a is 1, not an object"],
    ["a hole", file({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), "b starts at byte 8, but the values before it end at 4"],
    ["a hole before all", file({ a: f32([1], 4, 8) }, 8), "a starts at byte 4, but the values before it end at 0"],
    ["an overlap", file({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12), "b starts at byte 4, but the values before it end at 8"],
    ["reversed offsets", file({ a: f32([1], 4, 0) }, 4), "a: F32 [1] takes 4 bytes, but data_offsets are [4, 0]"],
    ["trailing bytes", file({ a: f32([1], 0, 4) }, 5), "the header declares 4 bytes of values, but 5 follow it"],
    ["trailing bytes after nothing", file({}, 1), "the header declares 0 bytes of values, but 1 follow it"],
    ["too few values", file({ a: f32([2], 0, 8) }, 7), "the header declares 8 bytes of values, but 7 follow it"],
    ["a shape that is not its offsets", file({ a: f32([3], 0, 8) }, 8), "a: F32 [3] takes 12 bytes, but data_offsets are [0, 8]"],
    ["a shape beyond 2^53", file({ a: f32([2 ** 32, 2 ** 32], 0, 0) }), "a: shape [4294967296, 4294967296] is impossibly large"],
    ["a shape beyond 2^53 but for a zero", file({ a: f32([2 ** 32, 2 ** 32, 0], 0, 0) }), "is impossibly large"],
    ["a negative size", file('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', 4), "the header has -1 where only whole numbers"],
    ["a size of 1.5", file({ a: f32([1.5], 0, 6) }, 6), "the header has 1.5 where only whole numbers can be"],
    ["a size of 1.0", file('{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', 4), "the header has 1.0 where"],
    ["a size of 1e0", file('{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}', 4), "the header has 1e0 where"],
    ["a size beyond 2^53", file('{"a":{"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,4]}}', 4), "is not a list of sizes"],
    ["a size that is text", file({ a: { dtype: "F32", shape: ["1"], data_offsets: [0, 4] } }, 4), 'a: shape ["1"] is not a list of sizes'],
    ["no shape", file({ a: { dtype: "F32", data_offsets: [0, 4] } }, 4), "a: shape undefined is not a list of sizes"],
    ["three offsets", file({ a: { dtype: "F32", shape: [1], data_offsets: [0, 4, 4] } }, 4), "a: data_offsets [0,4,4] are not two offsets"],
    ["an unknown dtype", file({ a: { dtype: "F33", shape: [1], data_offsets: [0, 4] } }, 4), 'a: dtype "F33" is not known'],
    ["a dtype every object has", file({ a: { dtype: "toString", shape: [], data_offsets: [0, 0] } }), 'a: dtype "toString" is not known'],
    ["metadata that is no text", file({ __metadata__: { epoch: 3 } }), "__metadata__: epoch is 3, not a string"],
    ["metadata that is a list", file({ __metadata__: [] }), "__metadata__ is a list, not an object"],
    [
      "a name twice",
      file('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
      "twice",
    ],
    ["a key twice in an entry", file('{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}'), 'the header has "dtype" twice'],
  ];
  for (const [what, bytes, message] of verdicts) {
    test(what, () => {
      expect(() => readSafetensors(bytes, "model.safetensors")).toThrow(message);
      expect(() => readSafetensors(bytes, "model.safetensors")).toThrow(/^model\.safetensors: /);
    });
  }
});

describe("accepted", () => {
  const read = (bytes: Uint8Array) => [...readSafetensors(bytes, "f").tensors];
  test("no tensors", () => expect(read(file("{}"))).toEqual([]));
  test("a scalar", () =>
    expect(read(file({ a: f32([], 0, 4) }, 4))).toEqual([["a", { dtype: "F32", shape: [], data: new Float32Array(1) }]]));
  test("a size of zero", () =>
    expect(read(file({ a: f32([0, 3], 0, 0) }))).toEqual([["a", { dtype: "F32", shape: [0, 3], data: new Float32Array(0) }]]));
  test("an extra key", () => expect(read(file({ a: { ...f32([1], 0, 4), more: { "1.5": "-2e3 }" } } }, 4))).toHaveLength(1));
  test("a leading space", () => expect(read(file(' {"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}} ', 1))).toHaveLength(1));
  test("entries in any order", () =>
    expect(read(file({ b: f32([1], 4, 8), a: f32([1], 0, 4) }, 8)).map(([name]) => name)).toEqual(["a", "b"]));
  test("a tensor called __proto__, as plain data", () => {
    const { tensors, metadata } = readSafetensors(
      file('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"__metadata__":{"__proto__":"x","toString":"y"}}', 1),
      "f",
    );
    expect(tensors.get("__proto__")).toEqual({ dtype: "U8", shape: [1], data: new Uint8Array(1) });
    expect([...metadata]).toEqual([["__proto__", "x"], ["toString", "y"]]); // biome-ignore format: one row
  });
});

const arrays = {
  F64: Float64Array,
  F32: Float32Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  U16: Uint16Array,
  I8: Int8Array,
  BOOL: Uint8Array,
};
const stored = fc
  .tuple(fc.constantFrom(...Object.keys(arrays)), fc.array(fc.nat(4), { maxLength: 4 }), fc.nat(255))
  .map(([dtype, shape, fill]) => {
    const data = new arrays[dtype as keyof typeof arrays](shape.reduce((all, n) => all * n, 1));
    new Uint8Array(data.buffer).fill(fill % 120); // not above: NaNs have many spellings
    return { dtype, shape, data } as StoredTensor;
  });
const names = fc.string({ unit: "grapheme", maxLength: 12 }).filter((name) => name !== "__metadata__");

test("what is written is read, under any name, and every tensor starts at a multiple of its value's width", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(names, stored), { maxLength: 6 }),
      fc.dictionary(names, fc.string({ unit: "grapheme" })),
      (list, metadata) => {
        const tensors = new Map(list);
        const bytes = writeSafetensors(tensors, metadata);
        const read = readSafetensors(bytes, "f");
        expect(new Map([...read.tensors].sort())).toEqual(new Map([...tensors].sort()));
        expect(read.metadata).toEqual(new Map(Object.entries(metadata)));
        const header = Number(new DataView(bytes.buffer).getBigUint64(0, true));
        expect(header % 8).toBe(0);
        const entries: [string, { data_offsets: number[] }][] = Object.entries(
          JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + header))),
        );
        for (const [name, { data_offsets }] of entries) {
          if (name !== "__metadata__") expect(data_offsets[0] % tensors.get(name)!.data.BYTES_PER_ELEMENT).toBe(0);
        }
      },
    ),
  );
});

test("a file says that it is PyTorch's unless told otherwise", () => {
  const bytes = writeSafetensors(new Map([["w", { dtype: "F32", shape: [1], data: Float32Array.of(1.5) }]]));
  const header = '{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
  expect(new TextDecoder().decode(bytes.subarray(8, -4)).trimEnd()).toBe(header);
  expect([...bytes.subarray(-4)]).toEqual([0, 0, 0xc0, 0x3f]);
  expect(readSafetensors(bytes, "f").metadata).toEqual(new Map([["format", "pt"]]));
});

test("tensors that contradict themselves are not written", () => {
  const data = new Float32Array(5) as Float32Array;
  expect(() => writeSafetensors(new Map([["w", { dtype: "F32", shape: [2, 3], data }]]))).toThrow(
    "writeSafetensors: w: F32 [2, 3] needs a Float32Array of 6, not a Float32Array of 5",
  );
  expect(() => writeSafetensors(new Map([["w", { dtype: "I32", shape: [5], data } as unknown as StoredTensor]]))).toThrow(
    "not a Float32Array of 5",
  );
  expect(() => writeSafetensors(new Map([["__metadata__", { dtype: "F32", shape: [5], data }]]))).toThrow(
    "no tensor can be called __metadata__",
  );
});

test("whatever bytes come, they are tensors no larger than the file, or refused by name", () => {
  const valid = writeSafetensors(
    new Map<string, StoredTensor>([
      ["a", { dtype: "F32", shape: [2, 2], data: new Float32Array(4) }],
      ["b", { dtype: "U8", shape: [3], data: new Uint8Array(3) }],
    ]),
  );
  const byte = fc.oneof(fc.nat(255), fc.constantFrom(...new TextEncoder().encode('0123456789{}[]",:-.eE\\ ')));
  const mutated = fc.array(fc.tuple(fc.nat(valid.length - 1), byte), { minLength: 1, maxLength: 4 }).map((changes) => {
    const bytes = valid.slice();
    for (const [at, value] of changes) bytes[at] = value;
    return bytes;
  });
  fc.assert(
    fc.property(
      fc.oneof(
        { weight: 9, arbitrary: mutated },
        fc.json().map((json) => file(json, 4)),
      ),
      fc.option(fc.nat(valid.length)),
      (bytes, cut) => {
        const input = cut === null ? bytes : bytes.subarray(0, cut);
        try {
          let size = 0;
          for (const { data } of readSafetensors(input, "f").tensors.values()) size += data.byteLength;
          expect(size).toBeLessThanOrEqual(input.length);
        } catch (error) {
          expect((error as Error).constructor).toBe(Error);
          expect((error as Error).message).toMatch(/^f: /);
          expect((error as Error).message.length).toBeLessThan(320);
        }
      },
    ),
    { numRuns: 5000 },
  );
});

test("a header of 100,000 tensors is read, and one that is deep or long for nothing is refused", () => {
  const entries = Array.from({ length: 100_000 }, (_, i) => [`layer.${i}.weight`, f32([1], i * 4, i * 4 + 4)]);
  const bytes = file(Object.fromEntries(entries), 400_000);
  expect(readSafetensors(bytes, "f").tensors.size).toBe(100_000);
  expect(() => readSafetensors(file("[".repeat(2_000_000) + "]".repeat(2_000_000)), "f")).toThrow("f: the header is a list, not an object");
  expect(() => readSafetensors(file(`{"${"x".repeat(9_999_000)}":1}`), "f")).toThrow("f: x");
});
