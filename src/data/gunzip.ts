// Decompression in the browser, where a file comes from a person's disk or the network. Node's twin is in files.node.ts.

/** Whether these bytes say that they are gzip. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** The decompressed bytes; counted while they come, so a small file that swells beyond `limit` is stopped there. */
export async function gunzip(bytes: Uint8Array<ArrayBuffer>, limit: number, name: string): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const stream: ReadableStream<Uint8Array> = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    for (const reader = stream.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > limit) {
        void reader.cancel();
        break;
      }
      chunks.push(value);
    }
  } catch (error) {
    throw new Error(`${name}: damaged gzip: ${(error as Error).message}`, { cause: error });
  }
  if (length > limit) throw new Error(`${name}: decompresses to more than ${limit} bytes`);

  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
