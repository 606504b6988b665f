// IDX bytes: what is written is read, and a header that lies gets an error that says how.

import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { gunzip, parseIdx } from "../src/data/index.ts";
import { idx } from "./setup/idx.ts";

test("an array of one to four dimensions is read as it was written", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }), fc.nat(255), (shape, fill) => {
      const data = new Uint8Array(shape.reduce((all, n) => all * n, 1)).map((_, i) => fill + i);
      expect(parseIdx(idx(shape, data), "a.idx")).toEqual({ shape, data });
    }),
  );
});

test("the values are a view of the file, and never a Buffer, whose slice would not copy", () => {
  const bytes = Buffer.from(idx([3], [7, 8, 9]));
  const { data } = parseIdx(bytes, "a.idx");
  expect(data.constructor).toBe(Uint8Array);
  expect(data.buffer).toBe(bytes.buffer);
});

const lies: [string, Uint8Array, string][] = [
  ["an empty file", new Uint8Array(0), "not an IDX file: 0 bytes are less than a header"],
  ["another format", new TextEncoder().encode("%PDF-1.4"), "not an IDX file: it starts with 25 50 44 46 instead of 00 00 08"],
  ["another type", Uint8Array.of(0, 0, 0x0d, 1, 0, 0, 0, 0), "IDX type 0x0d; only unsigned bytes, 0x08, are read"],
  ["no dimensions", Uint8Array.of(0, 0, 8, 0, 1), "0 dimensions; 1 to 4 are read"],
  ["five dimensions", idx([1, 1, 1, 1, 1], [0]), "5 dimensions; 1 to 4 are read"],
  ["half a header", idx([2, 2, 2], []).subarray(0, 9), "cut short: 3 dimensions need 16 bytes of header, not 9"],
  ["missing values", idx([2, 3], [1, 2, 3, 4, 5]), "the header declares [2, 3] = 6 values, but 5 bytes follow it"],
  ["trailing values", idx([2, 3], [1, 2, 3, 4, 5, 6, 7]), "the header declares [2, 3] = 6 values, but 7 bytes follow it"],
  [
    "far more than there is",
    idx([0xffffffff, 28, 28], [1]),
    "the header declares [4294967295, 28, 28] = 3367254359280 values, but 1 bytes follow it",
  ],
  ["more than a number can hold", idx([0xffffffff, 0xffffffff], [1]), "the header declares an impossible size, [4294967295, 4294967295]"],
];

for (const [what, bytes, message] of lies) {
  test(`${what} is refused, with the file's name`, () => {
    expect(() => parseIdx(bytes, "some/file")).toThrow(message);
    expect(() => parseIdx(bytes, "some/file")).toThrow(/^some\/file: /);
  });
}

test("whatever bytes come, they are an array or refused by name, and nothing is allocated", () => {
  const valid = idx([2, 3, 4], new Uint8Array(24));
  const mutated = fc.array(fc.tuple(fc.nat(15), fc.nat(255)), { maxLength: 4 }).map((changes) => {
    const bytes = valid.slice();
    for (const [at, value] of changes) bytes[at] = value;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), mutated), fc.nat(40), (bytes, length) => {
      const file = bytes.subarray(0, length);
      try {
        const { shape, data } = parseIdx(file, "f");
        expect(data).toHaveLength(shape.reduce((all, n) => all * n, 1));
        expect(data.buffer).toBe(file.buffer);
      } catch (error) {
        expect((error as Error).constructor).toBe(Error);
        expect((error as Error).message).toMatch(/^f: /);
      }
    }),
    { numRuns: 2000 },
  );
});

test("gunzip gives back what was compressed, and stops at damage or at its limit", async () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i * i);
  const packed = new Uint8Array(gzipSync(bytes));
  expect(await gunzip(packed, bytes.length, "f.gz")).toEqual(bytes);
  await expect(gunzip(packed, bytes.length - 1, "f.gz")).rejects.toThrow("f.gz: decompresses to more than 99999 bytes");
  await expect(gunzip(packed.slice(0, -20), 1e6, "f.gz")).rejects.toThrow("f.gz: damaged gzip: ");
  await expect(
    gunzip(
      packed.map((byte, i) => (i === 300 ? byte ^ 16 : byte)),
      1e6,
      "f.gz",
    ),
  ).rejects.toThrow("f.gz: damaged gzip: ");
});
