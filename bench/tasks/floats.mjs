// Raw float32 in a file, as every engine reads it.
import { readFileSync } from "node:fs";

/** @param {string} file */
export function floats(file) {
  const { buffer, byteOffset, length } = readFileSync(file);
  return new Float32Array(buffer.slice(byteOffset, byteOffset + length));
}
