// The safetensors file format, read and written: u64 length of the header, a JSON header padded with spaces, then the values of all
// tensors without a gap. Little endian, as are the typed arrays of every machine with WebGPU or WebAssembly.
// A file is not to be trusted: nothing is allocated before all that the header says has been checked against the file's length.

/** One tensor of a file. f16, bf16 and f8 are held as their bits. */
export type StoredTensor = { readonly shape: readonly number[] } & (
  | { readonly dtype: "F64"; readonly data: Float64Array }
  | { readonly dtype: "F32"; readonly data: Float32Array }
  | { readonly dtype: "I64"; readonly data: BigInt64Array }
  | { readonly dtype: "I32"; readonly data: Int32Array }
  | { readonly dtype: "I16"; readonly data: Int16Array }
  | { readonly dtype: "I8"; readonly data: Int8Array }
  | { readonly dtype: "U64"; readonly data: BigUint64Array }
  | { readonly dtype: "U32"; readonly data: Uint32Array }
  | { readonly dtype: "U16" | "F16" | "BF16"; readonly data: Uint16Array }
  | { readonly dtype: "U8" | "BOOL" | "F8_E4M3" | "F8_E5M2"; readonly data: Uint8Array }
);

export type StoredDtype = StoredTensor["dtype"];

interface ArrayType {
  new (buffer: ArrayBuffer): StoredTensor["data"];
  readonly BYTES_PER_ELEMENT: number;
}

const ARRAYS: Readonly<Record<StoredDtype, ArrayType>> = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  F8_E4M3: Uint8Array,
  F8_E5M2: Uint8Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

/** A file's tensors, in the order of their values, and the strings its writer left beside them. */
export interface Safetensors {
  readonly tensors: Map<string, StoredTensor>;
  readonly metadata: Map<string, string>;
}

const MAX_HEADER = 10_000_000; // bytes: some 100,000 tensors, parsed in half a second
const METADATA = "__metadata__";

/** The bytes of a file with these tensors. `format: "pt"` is what PyTorch's own writer leaves, and some readers insist on. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): Uint8Array<ArrayBuffer> {
  // Wide values first, so that every tensor starts at a multiple of its value's width.
  const entries = [...tensors].sort(([, a], [, b]) => ARRAYS[b.dtype].BYTES_PER_ELEMENT - ARRAYS[a.dtype].BYTES_PER_ELEMENT);
  const header: [string, unknown][] = [[METADATA, metadata]];
  let end = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    const count = product(shape);
    if (name === METADATA) throw new Error(`writeSafetensors: no tensor can be called ${METADATA}`);
    if (!(data instanceof ARRAYS[dtype]) || data.length !== count) {
      const found = `${data.constructor.name} of ${data.length}`;
      throw new Error(
        `writeSafetensors: ${name}: ${dtype} [${shape.join(", ")}] needs a ${ARRAYS[dtype].name} of ${count}, not a ${found}`,
      );
    }
    header.push([name, { dtype, shape, data_offsets: [end, (end += data.byteLength)] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const start = 8 + Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(start + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.fill(0x20, 8, start).set(json, 8);
  let at = start;
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/** The tensors in a file; `name` is the file's, for messages. */
export function readSafetensors(bytes: Uint8Array, name: string): Safetensors {
  try {
    return read(bytes);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message.slice(0, 300)}`, { cause: error }); // it may quote a hostile header at any length
  }
}

function read(bytes: Uint8Array): Safetensors {
  const { header, start } = readHeader(bytes);
  const metadata = readMetadata(header.get(METADATA) ?? {});
  header.delete(METADATA);
  const entries = Array.from(header, ([tensor, entry]) => readEntry(tensor, entry));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);

  let end = 0; // the tensors must lie one behind the other, and fill the file
  for (const entry of entries) {
    if (entry.begin !== end) throw new Error(`${entry.tensor} starts at byte ${entry.begin}, but the values before it end at ${end}`);
    end = entry.end;
  }
  if (end !== bytes.length - start) throw new Error(`the header declares ${end} bytes of values, but ${bytes.length - start} follow it`);

  const tensors = new Map<string, StoredTensor>();
  for (const { tensor, dtype, shape, begin, end } of entries) {
    const values = new Uint8Array(bytes.subarray(start + begin, start + end)); // a copy, as a view of f32 must start at a multiple of 4
    tensors.set(tensor, { dtype, shape, data: new ARRAYS[dtype](values.buffer) } as StoredTensor); // dtype and array are from one row
  }
  return { tensors, metadata };
}

/** The header's JSON by its keys, and where the values start. */
function readHeader(bytes: Uint8Array): { header: Map<string, unknown>; start: number } {
  if (bytes.length < 8) throw new Error(`not a safetensors file: ${bytes.length} bytes are less than the length of a header`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true); // bigint: up to 2^64, far past exact numbers
  if (length > MAX_HEADER) throw new Error(`the header is said to be ${length} bytes long; at most ${MAX_HEADER} are read`);
  const start = 8 + Number(length);
  if (start > bytes.length) throw new Error(`the header is said to be ${length} bytes long, but ${bytes.length - 8} follow`);

  const header = record(parseJson(bytes.subarray(8, start)), "the header");
  return { header: new Map(Object.entries(header)), start };
}

function parseJson(bytes: Uint8Array): unknown {
  let json: string;
  let value: unknown;
  try {
    json = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(json);
  } catch (error) {
    throw new Error(`the header is not JSON in UTF-8: ${(error as Error).message}`, { cause: error });
  }
  checkTokens(json);
  return value;
}

/** JSON.parse keeps the last of two equal keys and reads 2.0 as 2; here both are errors. */
function checkTokens(json: string): void {
  const open: Set<string>[] = []; // the keys of each object around the token
  for (const [, string, colon, number, brace] of json.matchAll(/("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|(-?\d[\d.eE+-]*)|([{}])/g)) {
    if (brace === "{") open.push(new Set());
    if (brace === "}") open.pop();
    if (number && !/^\d+$/.test(number)) throw new Error(`the header has ${number} where only whole numbers can be`);
    if (!colon) continue;
    const key: string = JSON.parse(string);
    const keys = open.at(-1)!;
    if (keys.has(key)) throw new Error(`the header has ${string} twice`);
    keys.add(key);
  }
}

function readMetadata(value: unknown): Map<string, string> {
  const entries = Object.entries(record(value, METADATA));
  for (const [key, text] of entries) {
    if (typeof text !== "string") throw new Error(`${METADATA}: ${key} is ${JSON.stringify(text)}, not a string`);
  }
  return new Map(entries as [string, string][]);
}

interface Entry {
  readonly tensor: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function readEntry(tensor: string, value: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = record(value, tensor);
  if (typeof dtype !== "string" || !Object.hasOwn(ARRAYS, dtype)) throw new Error(`${tensor}: dtype ${JSON.stringify(dtype)} is not known`);
  if (!isSizes(shape)) throw new Error(`${tensor}: shape ${JSON.stringify(shape)} is not a list of sizes`);
  if (!isSizes(offsets) || offsets.length !== 2) throw new Error(`${tensor}: data_offsets ${JSON.stringify(offsets)} are not two offsets`);
  const [begin, end] = offsets;
  const bytes = product([ARRAYS[dtype as StoredDtype].BYTES_PER_ELEMENT, ...shape]);
  if (Number.isNaN(bytes)) throw new Error(`${tensor}: shape [${shape.join(", ")}] is impossibly large`);
  if (end - begin !== bytes) {
    throw new Error(`${tensor}: ${dtype} [${shape.join(", ")}] takes ${bytes} bytes, but data_offsets are [${begin}, ${end}]`);
  }
  return { tensor, dtype: dtype as StoredDtype, shape, begin, end };
}

/** The product, or NaN once it is no longer exact, even if a zero follows. */
function product(sizes: readonly number[]): number {
  return sizes.reduce((all, n) => (Number.isSafeInteger(all * n) ? all * n : Number.NaN), 1);
}

const isSizes = (value: unknown): value is number[] => Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);

function record(value: unknown, what: string): Record<string, unknown> {
  if (Array.isArray(value)) throw new Error(`${what} is a list, not an object`);
  if (typeof value !== "object" || value === null) throw new Error(`${what} is ${JSON.stringify(value)}, not an object`);
  return value as Record<string, unknown>;
}
