// Arrays as .npy files, which NumPy's `load` reads: a header in Python's notation that says type, order and shape, then the values as they
// lie in memory (NumPy Enhancement Proposal 1, version 1.0 of the format).

/** What can be written, by the name that NumPy has for it: byte order, kind, bytes. */
const TYPES: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [Float32Array, "<f4"],
  [Float64Array, "<f8"],
  [Int32Array, "<i4"],
  [Uint32Array, "<u4"],
  [Uint8Array, "|u1"],
]);

export type NpyValues = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** The values, row-major, as an array of this shape. */
export function encodeNpy(values: NpyValues, shape: readonly number[]): Uint8Array {
  const type = TYPES.get(values.constructor);
  if (type === undefined) throw new Error(`encodeNpy: ${values.constructor.name} has no type in .npy files here`);
  if (values.length !== shape.reduce((n, d) => n * d, 1)) {
    throw new Error(`encodeNpy: ${values.length} values do not make an array of [${shape.join(", ")}]`);
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`; // Python's tuple of one number has a comma
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const start = Math.ceil((MAGIC.length + 2 + text.length + 1) / 64) * 64; // the values begin at a multiple of 64, for those who map the file
  const head = Buffer.alloc(start, " ");
  head.set(MAGIC);
  head.writeUInt16LE(start - MAGIC.length - 2, MAGIC.length);
  head.write(text, MAGIC.length + 2, "latin1");
  head.write("\n", start - 1, "latin1");
  return Buffer.concat([head, Buffer.from(values.buffer, values.byteOffset, values.byteLength)]); // little-endian, as all of Node's machines are
}

const MAGIC = Buffer.from("\x93NUMPY\x01\x00", "latin1"); // and the version
