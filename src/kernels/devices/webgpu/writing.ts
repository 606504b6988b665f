// One kernel's patch as it grows: its bindings, its uniform struct, and the functions that replace those of a file. What
// the loops are is said by those who write with it (kernel.ts, product.ts).

import { isLeaf } from "../../../tensor/graph.ts";
import { bufferOf, stateOf } from "../../../tensor/inline.ts";
import { type Kernel, membersOf, productsOf } from "../../../tensor/merge.ts";
import type { Plan } from "../../../tensor/plan.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import half from "../../elementwise/half.wgsl.ts";
import math from "../../elementwise/math.wgsl.ts";
import threefry from "../../random/threefry.wgsl.ts";
import { type Index, type Surroundings, Uniforms, type Writer } from "./emit.ts";
import { type Linked, link, type Source } from "./link.ts";

export interface KernelCode {
  readonly linked: Linked;
  /** Storage buffers in binding order; the uniform block follows them. */
  readonly bindings: readonly Binding[];
  readonly uniforms: Uniforms;
  readonly groups: readonly [number, number, number];
  /** The kernel's file and its ops: `matmul-tiled: matmul add relu`. */
  readonly label: string;
  readonly ops: readonly string[];
  /** Elements of memory that it leaves for the kernel after it, or finds there; 0 for almost all. */
  readonly scratch: number;
}

/** A buffer: the block of a leaf, the slot of a stored node, or the scratch memory. */
export interface Binding {
  /** A node that lies in it. */
  readonly node: number | "scratch";
  readonly writes: boolean;
}

const library: readonly Source[] = [
  { file: "random/threefry.wgsl", text: threefry },
  { file: "elementwise/math.wgsl", text: math },
  { file: "elementwise/half.wgsl", text: half },
];

export class Writing implements Surroundings {
  readonly uniforms: Uniforms;
  readonly kernel: Kernel;
  readonly #plan: Plan;
  readonly #own: Set<number>;
  readonly #positions: Map<Tensor, number>;
  readonly #functions = new Set<string>();
  readonly #bindings = new Map<string, { name: string; node: number | "scratch"; writes: boolean; type: string }>();
  #scratch = 0;

  constructor(plan: Plan, k: Kernel) {
    this.#plan = plan;
    this.kernel = k;
    this.#own = new Set(membersOf(k));
    this.#positions = new Map(plan.graph.nodes.map((t, i) => [t, i]));
    this.uniforms = new Uniforms(plan.baked && k.loops === "product");
  }

  position(t: Tensor): number {
    return this.#positions.get(t) as number;
  }

  node(i: number): Tensor {
    return this.#plan.graph.nodes[i];
  }

  isComputed(i: number): boolean {
    return this.#plan.inline[i] || this.#own.has(i);
  }

  declare(code: string): void {
    this.#functions.add(code);
  }

  /** The node whose memory holds i's value: for an effect, its state. */
  #home(i: number): number {
    return this.node(i).op.loops === "effect" ? stateOf(this.#plan.graph, i) : i;
  }

  #typeOf(i: number): string {
    const at = this.#home(i);
    if (this.#plan.half[at]) return "f16";
    return this.node(at).dtype === "f32" ? "f32" : "u32";
  }

  #binding(i: number, writes: boolean, type: string = this.#typeOf(i)): { name: string; type: string } {
    const slot = this.#plan.slotOf[this.#home(i)];
    const key = slot === undefined ? bufferOf(this.#plan.graph, i) : `slot ${slot}`;
    const known = this.#bindings.get(key);
    if (known) {
      known.writes ||= writes;
      return known;
    }
    const made = { name: `b${this.#bindings.size}`, node: this.#home(i), writes, type };
    this.#bindings.set(key, made);
    return made;
  }

  /** Does the product take its operands in half precision? Not where they might be too large for it and nothing watches. */
  get roundsOperands(): boolean {
    return productsOf(this.kernel).every(({ cores }) => cores.every((core) => this.#plan.rounds[core]));
  }

  #isKept(i: number): boolean {
    return this.#plan.stored[i] || this.node(i).op.loops === "effect";
  }

  /**
   * Binds a stored node as vectors of four, before anything else binds it; false if that cannot be: where it does not begin at a whole
   * vector, and where this kernel writes into its buffer, element by element.
   */
  bindVectors(i: number): boolean {
    const { graph, offsets } = this.#plan;
    const isWritten = membersOf(this.kernel).some((m) => this.#isKept(m) && bufferOf(graph, m) === bufferOf(graph, i));
    const at = this.#home(i);
    if (isWritten || this.node(at).dtype !== "f32" || offsets[at] % 4 > 0) return false;
    const vector = this.#plan.half[at] ? "vec4h" : "vec4f";
    return this.#binding(i, false, vector).type === vector;
  }

  /** Four neighbours at a place that is a multiple of four. */
  loadVector(i: number, linear: string): string {
    const { name, type } = this.#binding(i, false);
    const vector = `${name}[(${this.#offset(i, linear)}) / 4u]`;
    return type === "vec4h" ? `vec4f(${vector})` : vector;
  }

  /** Binds so many words of scratch memory under this name. */
  bindScratch(name: string, words: number, writes: boolean, type = "f32"): void {
    this.#scratch = words;
    this.#bindings.set("scratch", { name, node: "scratch", writes, type });
  }

  /** Where node i begins in its buffer: a moment lies behind its parameter. */
  #offset(i: number, linear: string): string {
    const offset = this.#plan.offsets[this.#home(i)];
    return offset === 0 ? linear : `${offset}u + ${linear}`;
  }

  load(i: number, linear: string): string {
    const { name, type } = this.#binding(i, false);
    const at = this.#home(i);
    const place = this.#offset(i, linear);
    const isBytes = isLeaf(this.node(at)) && this.node(at).dtype === "u8";
    if (isBytes) return `extractBits(${name}[(${place}) / 4u], 8u * ((${place}) % 4u), 8u)`;
    const element = type.startsWith("vec4") ? `${name}[(${place}) / 4u][(${place}) % 4u]` : `${name}[${place}]`;
    return this.#plan.half[at] ? `f32(${element})` : element;
  }

  /** Lines that store the values of those members that must outlive the kernel. Values first: a state is read before it is written. */
  stores(writer: Writer, members: readonly number[], at: (i: number) => Index): string[] {
    const kept = members.filter((i) => this.#isKept(i));
    const values = kept.map((i) => writer.value(this.node(i), at(i)));
    return kept.flatMap((i, which) => {
      const place = `${this.#binding(i, true).name}[${this.#offset(i, at(i).linear())}]`;
      return this.#plan.half[i] ? this.#halfStores(i, place, values[which]) : [`${place} = ${values[which]};`];
    });
  }

  /** In two bytes; and if the value is too large for them, whoever scales gradients is told. */
  #halfStores(i: number, place: string, value: string): string[] {
    const watch = this.#plan.watch[i];
    const lines = [`${place} = narrow(${value});`];
    if (watch !== undefined)
      lines.push(`if (abs(${value}) > LARGEST) { ${this.#binding(watch, true).name}[${this.#offset(watch, "0u")}] = 1.0; }`);
    return lines;
  }

  /** A function of what the writer wrote, between lines of ours. The last ones may have made it write: they are composed first. */
  function(head: string, writer: Writer, last: readonly string[], first: readonly string[] = []): string {
    return [`fn ${head} {`, ...[...first, ...writer.lines, ...last].map((l) => `  ${l}`), "}"].join("\n");
  }

  /** The file with the patch. */
  finish(file: Source, functions: readonly string[], groups: readonly [number, number, number]): KernelCode {
    const buffers = [...this.#bindings.values()];
    const declared = buffers.map(
      (b, i) => `@group(0) @binding(${i}) var<storage, ${b.writes ? "read_write" : "read"}> ${b.name}: array<${b.type}>;`,
    );
    const size = `@group(0) @binding(${buffers.length}) var<uniform> size: Size;`;
    const text = [this.uniforms.struct(), ...declared, size, ...this.#functions, ...functions].join("\n");
    const patch = /\bf16\b|\bvec4h\b/.test(text) ? `enable f16;\n${text}` : text;
    const ops = membersOf(this.kernel).map((i) => this.node(i).op.name);
    const linked = link(...library, file, { file: `fused kernel (${ops.join(" ")})`, text: patch });
    const label = `${file.file.replace(/^.*\/|\.wgsl$/g, "")}: ${ops.join(" ")}`;
    return { linked, bindings: buffers, uniforms: this.uniforms, groups, label, ops, scratch: this.#scratch };
  }
}

export const MAX_GROUPS = 65535; // per dimension of a dispatch

/** Workgroups of `per` elements for n of them, in two dimensions where one is too few. */
export function folded(n: number, per: number): [number, number, number] {
  const groups = Math.ceil(n / per);
  const y = Math.ceil(groups / MAX_GROUPS);
  return [Math.ceil(groups / Math.max(y, 1)), y, 1];
}
