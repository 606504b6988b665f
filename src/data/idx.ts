// IDX, the format of MNIST and its relatives: bytes 0, 0, a type code, the number of dimensions; the dimensions as big-endian u32;
// then the values. Only unsigned bytes (type 8) are read. Every number in a file may be a lie, so all are checked against its length.

export interface Idx {
  readonly shape: number[];
  /** A view of the file's bytes, not a copy. */
  readonly data: Uint8Array;
}

/** The array in an IDX file; `name` is the file's, for messages. */
export function parseIdx(bytes: Uint8Array, name: string): Idx {
  const { shape, start, end } = idxHeader(bytes, name);
  if (bytes.length !== end) {
    const values = `[${shape.join(", ")}] = ${end - start} values`;
    throw new Error(`${name}: the header declares ${values}, but ${bytes.length - start} bytes follow it`);
  }
  return { shape, data: new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start) }; // even where bytes is a Buffer
}

/** What the first bytes of an IDX file declare: its shape, and where in the file the values start and end. */
export function idxHeader(bytes: Uint8Array, name: string): { shape: number[]; start: number; end: number } {
  if (bytes.length < 4) throw new Error(`${name}: not an IDX file: ${bytes.length} bytes are less than a header`);
  const [zero0, zero1, type, rank] = bytes;
  if (zero0 !== 0 || zero1 !== 0) throw new Error(`${name}: not an IDX file: it starts with ${hex(bytes)} instead of 00 00 08`);
  if (type !== 8) throw new Error(`${name}: IDX type 0x${type.toString(16).padStart(2, "0")}; only unsigned bytes, 0x08, are read`);
  if (rank < 1 || rank > 4) throw new Error(`${name}: ${rank} dimensions; 1 to 4 are read`);

  const start = 4 + 4 * rank;
  if (bytes.length < start) throw new Error(`${name}: cut short: ${rank} dimensions need ${start} bytes of header, not ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, start);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const end = start + shape.reduce((product, n) => product * n, 1);
  if (!Number.isSafeInteger(end)) throw new Error(`${name}: the header declares an impossible size, [${shape.join(", ")}]`);
  return { shape, start, end };
}

/** The first four bytes, for messages. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
