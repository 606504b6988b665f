// The `js` device: every op by its plain loops, one after the other, never fused. It is the specification that the
// other devices are tested against, and it runs anywhere.

import { isLeaf } from "../../tensor/graph.ts";
import type { Plan } from "../../tensor/plan.ts";
import { arrayOf, type DType, type Tensor, type Values } from "../../tensor/tensor.ts";
import { type Device, leave, type Prepared } from "./device.ts";

export interface JsOptions {
  /** Numbers behind f32: rounded to 32 bits at every store, or 64 bits throughout, for gradient checks. */
  readonly precision?: "f32" | "f64";
}

/** A slot serves values of any dtype, one after the other, so each has its own array there, made when first used. */
type Slot = Partial<Record<DType, Values>>;

export class JsDevice implements Device {
  readonly name = "js";
  readonly description: string;
  readonly buffers = 0;
  readonly storesOperands = false;
  readonly lacksHalf = "js computes in f32 or f64 only";
  readonly #precision: "f32" | "f64";
  readonly #slots: Slot[] = [];
  #bytes = 0;
  #closed = false;

  constructor({ precision = "f32" }: JsOptions = {}) {
    this.#precision = precision;
    this.description = precision === "f32" ? "plain loops over typed arrays" : "plain loops in float64";
  }

  get bytes(): number {
    return this.#bytes + this.#slots.reduce((sum, slot) => sum + Object.values(slot).reduce((n, values) => n + values.byteLength, 0), 0);
  }

  check(): void {
    if (this.#closed) throw new Error("js: the device was closed");
  }

  #array(elements: number, dtype: DType): Values {
    return dtype === "f32" && this.#precision === "f64" ? new Float64Array(elements) : arrayOf(dtype, elements);
  }

  alloc(elements: number, dtype: DType): Values {
    const values = this.#array(elements, dtype);
    this.#bytes += values.byteLength;
    return values;
  }

  free(buffer: unknown): void {
    if (!this.#closed) this.#bytes -= (buffer as Values).byteLength;
  }

  write(buffer: unknown, values: Values): void {
    (buffer as Values).set(values);
  }

  copy(from: unknown, to: unknown, elements: number): void {
    (to as Values).set((from as Values).subarray(0, elements));
  }

  async read(buffer: unknown, offset: number, elements: number): Promise<Values> {
    return (buffer as Values).slice(offset, offset + elements);
  }

  #slot(index: number, elements: number, dtype: DType): Values {
    while (this.#slots.length <= index) this.#slots.push({});
    const slot = this.#slots[index];
    let values = slot[dtype];
    if (!values || values.length < elements) slot[dtype] = values = this.#array(elements, dtype);
    return values.subarray(0, elements);
  }

  prepare({ graph, kernels, slotOf }: Plan): Prepared {
    const order = kernels.map((k) => [...k.cores, ...k.outer][0]); // never fused: one node each
    return {
      dispatches: kernels.map(() => 1),
      dispose: () => {},
      run: (nodes, times, into) => {
        this.check();
        const values: Values[] = nodes.map((t, i) => {
          if (isLeaf(graph.nodes[i])) return leafValues(t);
          const slot = slotOf[i];
          return slot === undefined ? new Float32Array(0) : this.#slot(slot, t.size, t.dtype);
        });
        for (let time = 0; time < times; time++) {
          for (const i of order) {
            const t = nodes[i];
            const xs = graph.inputs[i].map((x) => values[x]);
            if (t.op.loops === "effect") values[i] = xs[0];
            t.op.js(values[i], xs, t);
          }
          graph.outputs.forEach((i, which) => {
            (into[which] as Values).set(values[i], time * nodes[i].size);
          });
        }
      },
    };
  }

  async idle(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed = true;
    this.#slots.length = 0;
    this.#bytes = 0;
    leave(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function leafValues(t: Tensor): Values {
  const values = (t.storage?.block.buffer ?? t.storage?.block.host) as Values;
  const offset = t.storage?.offset ?? 0;
  return values.subarray(offset, offset + t.size);
}
