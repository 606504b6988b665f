// Reading memory back. What is asked for in one turn of JavaScript, as the terms of a loss are, comes with one submission and one wait.

/** Buffers to copy into, kept by the device. */
export interface Staging {
  take(bytes: number): GPUBuffer;
  giveBack(buffer: GPUBuffer): void;
}

/** Reads that are copied together. */
interface Batch {
  readonly copies: { readonly from: GPUBuffer; readonly offset: number; readonly at: number; readonly into: Uint8Array }[];
  bytes: number;
  readonly arrived: Promise<void>;
  readonly settle: { resolve(): void; reject(error: unknown): void };
}

const MOST = 1 << 20; // bytes in a batch: large reads go alone, for they are limited by what one buffer holds

export class Reading {
  readonly #gpu: GPUDevice;
  readonly #staging: Staging;
  #batch: Batch | undefined;

  constructor(gpu: GPUDevice, staging: Staging) {
    this.#gpu = gpu;
    this.#staging = staging;
  }

  /** Fills `into` with what the buffer holds now: resolves when it has come. */
  read(from: GPUBuffer, offset: number, into: Uint8Array): Promise<void> {
    const bytes = Math.ceil(into.length / 4) * 4;
    if (this.#batch && this.#batch.bytes + bytes > MOST) this.flush();
    this.#batch ??= this.#begin();
    this.#batch.copies.push({ from, offset, at: this.#batch.bytes, into });
    this.#batch.bytes += bytes;
    return this.#batch.arrived;
  }

  #begin(): Batch {
    let settle = { resolve: () => {}, reject: (_: unknown) => {} };
    const arrived = new Promise<void>((resolve, reject) => {
      settle = { resolve, reject };
    });
    queueMicrotask(() => this.flush());
    return { copies: [], bytes: 0, arrived, settle };
  }

  /** Submits the copies asked for so far: whatever is submitted from now on comes after them. */
  flush(): void {
    const batch = this.#batch;
    this.#batch = undefined;
    if (batch) this.#fetch(batch).then(batch.settle.resolve, batch.settle.reject);
  }

  async #fetch({ copies, bytes }: Batch): Promise<void> {
    const buffer = this.#staging.take(bytes);
    const encoder = this.#gpu.createCommandEncoder();
    for (const { from, offset, at, into } of copies)
      if (into.length > 0) encoder.copyBufferToBuffer(from, offset, buffer, at, Math.ceil(into.length / 4) * 4);
    this.#gpu.queue.submit([encoder.finish()]);
    await buffer.mapAsync(GPUMapMode.READ);
    const mapped = new Uint8Array(buffer.getMappedRange());
    for (const { at, into } of copies) into.set(mapped.subarray(at, at + into.length));
    buffer.unmap();
    this.#staging.giveBack(buffer);
  }
}
