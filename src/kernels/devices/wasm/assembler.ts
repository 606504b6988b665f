// A small assembler for WebAssembly: functions are written by calling methods, and come out as bytes. It knows nothing
// of tensors. Encodings are those of the WebAssembly 2.0 specification, the SIMD, threads and relaxed SIMD proposals.
//
// Every expression is a local that is written once, which buys two things: equal expressions are computed once, and each
// is computed in the outermost loop in which all that it is made of is known. So a kernel is written as if everything
// stood in its innermost loop. When the bytes are written, what is used once is computed where it is used, on the
// engine's stack, and the locals that remain are those that a person would have declared.

/** Bytes that grow. */
export class Bytes {
  #data = new Uint8Array(64);
  length = 0;

  push(...bytes: readonly number[]): void {
    this.list(bytes);
  }

  /** Without a call per byte: a program has ten thousand instructions, which are written before any of this is compiled. */
  list(bytes: readonly number[]): void {
    if (this.length + bytes.length > this.#data.length) this.#grow(bytes.length);
    for (let i = 0; i < bytes.length; i++) this.#data[this.length++] = bytes[i];
  }

  /** An instruction with the number of a local. */
  local(op: number, n: number): void {
    if (this.length + 4 > this.#data.length) this.#grow(4);
    this.#data[this.length++] = op;
    if (n < 128) this.#data[this.length++] = n;
    else this.u32(n);
  }

  append(other: Bytes): void {
    if (this.length + other.length > this.#data.length) this.#grow(other.length);
    this.#data.set(other.done(), this.length);
    this.length += other.length;
  }

  #grow(by: number): void {
    const larger = new Uint8Array(Math.max(2 * this.#data.length, this.length + by));
    larger.set(this.#data.subarray(0, this.length));
    this.#data = larger;
  }

  u32(n: number): void {
    this.push(...unsigned(n));
  }

  text(s: string): void {
    const bytes = new TextEncoder().encode(s);
    this.u32(bytes.length);
    this.push(...bytes);
  }

  /** A section or a body: its length stands before it. */
  sized(inner: Bytes): void {
    this.u32(inner.length);
    this.append(inner);
  }

  done(): Uint8Array<ArrayBuffer> {
    return this.#data.subarray(0, this.length);
  }
}

/** LEB128: seven bits in each byte, the lowest first; its eighth bit says whether another follows. */
function unsigned(n: number): number[] {
  const bytes: number[] = [];
  let rest = n >>> 0;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}

function signed(n: number): number[] {
  const bytes: number[] = [];
  let rest = n | 0;
  while (rest < -64 || rest > 63) {
    bytes.push((rest & 127) | 128);
    rest >>= 7;
  }
  bytes.push(rest & 127);
  return bytes;
}

export type Type = "i32" | "i64" | "f32" | "v128";
const TYPES: Record<Type, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, v128: 0x7b };

/**
 * An instruction: the locals that it takes, and the one that it gives. A `value` depends on its arguments only, a `load` on
 * memory as well, and a `copy` is a variable as it is at that place; `set` changes a variable, `effect` all the rest.
 */
interface Instruction {
  readonly kind: "value" | "load" | "copy" | "set" | "effect";
  readonly args: readonly number[];
  readonly code: readonly number[];
  readonly result: number | undefined;
}

/** Instructions that run one after another, without a jump into or out of their middle. */
class Stretch {
  readonly instructions: Instruction[] = [];

  /**
   * What is computed where it is used, by its result: the values that are used once, in this stretch, unless what they
   * read changes on the way. A local would cost more than its bytes: whatever a loop writes is a variable of that loop
   * to V8 until late in its work, and for the sake of those it does not join vectors (--experimental-wasm-revectorize).
   */
  moved(uses: readonly number[]): ReadonlyMap<number, Instruction> {
    const list = this.instructions;
    const usedBy = new Map<number, number>();
    for (const [i, { args }] of list.entries()) for (const local of args) usedBy.set(local, i);
    const place = list.map((_, i) => i);
    const effects = [0]; // before each instruction
    for (const { kind } of list) effects.push(effects[effects.length - 1] + (kind === "effect" ? 1 : 0));
    const moved = new Map<number, Instruction>();
    // From the end, so that the place of what uses a value is known before its own.
    for (let i = list.length - 1; i >= 0; i--) {
      const { kind, args, result } = list[i];
      if (result === undefined || uses[result] !== 1 || !usedBy.has(result) || kind === "set" || kind === "effect") continue;
      const to = place[usedBy.get(result) as number];
      if (kind === "load" && effects[to] > effects[i + 1]) continue;
      if (kind === "copy" && list.slice(i + 1, to).some((x) => x.kind === "set" && x.result === args[0])) continue;
      place[i] = to;
      moved.set(result, list[i]);
    }
    return moved;
  }
}

/** Code in the order in which it runs: stretches, and loops that stand between them. */
class Scope {
  readonly parent: Scope | undefined;
  readonly depth: number;
  readonly parts: (Stretch | Scope)[] = [new Stretch()];
  /** What is known here, by its expression. */
  readonly known: Map<Key, number> = new Map();
  /** The parent's code just before this scope: what is hoisted out of it goes there. */
  readonly before: Stretch | undefined;

  constructor(parent: Scope | undefined) {
    this.parent = parent;
    this.depth = parent ? parent.depth + 1 : 0;
    this.before = parent?.last;
  }

  get last(): Stretch {
    return this.parts[this.parts.length - 1] as Stretch; // a scope is always followed by a stretch
  }

  *stretches(): Generator<Stretch> {
    for (const part of this.parts) {
      if (part instanceof Scope) yield* part.stretches();
      else yield part;
    }
  }
}

/** An instruction's opcode: its bytes, and a number by which equal expressions are found. */
export interface Opcode {
  readonly id: number;
  readonly bytes: readonly number[];
}

const opcodes: Opcode[] = [];
const opcode = (id: number, bytes: readonly number[]): Opcode => (opcodes[id] ??= { id, bytes });
/** Of one byte. */
const plain = (op: number): Opcode => opcode(op, [op]);
/** With the prefix of the vector instructions. */
const simd = (op: number): Opcode => opcodes[256 + op] ?? opcode(256 + op, [0xfd, ...unsigned(op)]);

/** A local that is written once. */
export class Value {
  readonly in: Func;
  readonly local: number;
  readonly scope: Scope;

  constructor(f: Func, local: number, scope: Scope) {
    this.in = f;
    this.local = local;
    this.scope = scope;
  }
}

/** A whole number of 32 bits: a count, an index, an address. */
export class Int extends Value {
  readonly type = "i32";
  #binary(op: number, other: Int | number): Int {
    return this.in.int(plain(op), this, this.in.asInt(other));
  }
  add(n: Int | number): Int {
    return n === 0 ? this : this.#binary(0x6a, n);
  }
  sub(n: Int | number): Int {
    return n === 0 ? this : this.#binary(0x6b, n);
  }
  mul(n: Int | number): Int {
    return n === 1 ? this : this.#binary(0x6c, n);
  }
  /** Unsigned, as all of these are. */
  div(n: Int | number): Int {
    return n === 1 ? this : this.#binary(0x6e, n);
  }
  rem(n: Int | number): Int {
    return this.#binary(0x70, n);
  }
  and(n: Int | number): Int {
    return this.#binary(0x71, n);
  }
  or(n: Int | number): Int {
    return this.#binary(0x72, n);
  }
  xor(n: Int | number): Int {
    return this.#binary(0x73, n);
  }
  shl(n: Int | number): Int {
    return n === 0 ? this : this.#binary(0x74, n);
  }
  shr(n: Int | number): Int {
    return n === 0 ? this : this.#binary(0x76, n);
  }
  rotl(n: Int | number): Int {
    return this.#binary(0x77, n);
  }
  /** 1 or 0. */
  eq(n: Int | number): Int {
    return this.#binary(0x46, n);
  }
  ne(n: Int | number): Int {
    return this.#binary(0x47, n);
  }
  lt(n: Int | number): Int {
    return this.#binary(0x49, n);
  }
  gt(n: Int | number): Int {
    return this.#binary(0x4b, n);
  }
  le(n: Int | number): Int {
    return this.#binary(0x4d, n);
  }
  ge(n: Int | number): Int {
    return this.#binary(0x4f, n);
  }
  min(n: Int | number): Int {
    return this.lt(n).choose(this, n);
  }
  max(n: Int | number): Int {
    return this.gt(n).choose(this, n);
  }
  /** `yes` if this is not 0, else `no`. */
  choose(yes: Int | number, no: Int | number): Int {
    return this.in.int(plain(0x1b), this.in.asInt(yes), this.in.asInt(no), this);
  }
}

/** Four numbers of 32 bits, in whichever meaning. */
abstract class Vector extends Value {
  readonly type = "v128";
  /** Where the mask's bits are set, those of `yes`, else of `no`. */
  protected select<V extends Vector>(yes: V, no: V, make: (f: Func, op: Opcode, ...args: Value[]) => V): V {
    return make(this.in, simd(82), yes, no, this);
  }
}

/** Four floats. */
export class Floats extends Vector {
  readonly of = "floats";
  /** The mask of which this is made, as 1 and 0. */
  mask: Ints | undefined;
  #binary(op: number, other: Floats | number): Floats {
    return this.in.floats(simd(op), this, this.in.asFloats(other));
  }
  #unary(op: number): Floats {
    return this.in.floats(simd(op), this);
  }
  #compare(op: number, other: Floats | number): Ints {
    return this.in.ints(simd(op), this, this.in.asFloats(other));
  }
  add(x: Floats | number): Floats {
    return this.#binary(228, x);
  }
  sub(x: Floats | number): Floats {
    return this.#binary(229, x);
  }
  mul(x: Floats | number): Floats {
    return this.#binary(230, x);
  }
  div(x: Floats | number): Floats {
    return this.#binary(231, x);
  }
  /**
   * this · x + y, rounded once where the machine can, and relaxed SIMD is there. The sum has y first, for it is often an
   * accumulator, and V8 then keeps it in its register: a matrix product takes 0.85 of the time.
   */
  madd(x: Floats | number, y: Floats | number): Floats {
    const { in: f } = this;
    return f.target.relaxed ? f.floats(simd(0x105), this, f.asFloats(x), f.asFloats(y)) : f.asFloats(y).add(this.mul(x));
  }
  /** The smaller, NaN if either is. */
  min(x: Floats | number): Floats {
    return this.#binary(232, x);
  }
  max(x: Floats | number): Floats {
    return this.#binary(233, x);
  }
  /** x < this ? x : this. One instruction, where `min` takes several; this if either is NaN. */
  lesser(x: Floats | number): Floats {
    return this.#binary(234, x);
  }
  /** this < x ? x : this. */
  greater(x: Floats | number): Floats {
    return this.#binary(235, x);
  }
  sqrt(): Floats {
    return this.#unary(227);
  }
  neg(): Floats {
    return this.#unary(225);
  }
  abs(): Floats {
    return this.#unary(224);
  }
  floor(): Floats {
    return this.#unary(104);
  }
  /** Toward zero. */
  trunc(): Floats {
    return this.#unary(105);
  }
  /** To the nearest whole number, ties to even. */
  nearest(): Floats {
    return this.#unary(106);
  }
  eq(x: Floats | number): Ints {
    return this.#compare(65, x);
  }
  ne(x: Floats | number): Ints {
    return this.#compare(66, x);
  }
  lt(x: Floats | number): Ints {
    return this.#compare(67, x);
  }
  gt(x: Floats | number): Ints {
    return this.#compare(68, x);
  }
  le(x: Floats | number): Ints {
    return this.#compare(69, x);
  }
  ge(x: Floats | number): Ints {
    return this.#compare(70, x);
  }
  /** The same bits. */
  bits(): Ints {
    return new Ints(this.in, this.local, this.scope);
  }
  /** A mask: not 0. A comparison costs nothing more as a condition, for what it found is remembered. */
  isSet(): Ints {
    return this.mask ?? this.ne(0);
  }
  /** Where the mask is set this, elsewhere 0. */
  where(mask: Ints): Floats {
    return this.in.floats(simd(78), this, mask);
  }
  /** To unsigned whole numbers, toward zero and clamped; NaN becomes 0. */
  toUnsigned(): Ints {
    return this.in.ints(simd(249), this);
  }
  toSigned(): Ints {
    return this.in.ints(simd(248), this);
  }
}

/** Four whole numbers, or a mask: all bits set, or none. */
export class Ints extends Vector {
  readonly of = "ints";
  #binary(op: number, other: Ints | number): Ints {
    return this.in.ints(simd(op), this, this.in.asInts(other));
  }
  #shift(op: number, by: Int | number): Ints {
    return this.in.ints(simd(op), this, this.in.asInt(by));
  }
  add(x: Ints | number): Ints {
    return this.#binary(174, x);
  }
  sub(x: Ints | number): Ints {
    return this.#binary(177, x);
  }
  mul(x: Ints | number): Ints {
    return this.#binary(181, x);
  }
  and(x: Ints | number): Ints {
    return this.#binary(78, x);
  }
  /** Without the bits of x. */
  andNot(x: Ints | number): Ints {
    return this.#binary(79, x);
  }
  or(x: Ints | number): Ints {
    return this.#binary(80, x);
  }
  xor(x: Ints | number): Ints {
    return this.#binary(81, x);
  }
  not(): Ints {
    return this.in.ints(simd(77), this);
  }
  shl(by: Int | number): Ints {
    return this.#shift(171, by);
  }
  /** Filling up with zeros. */
  shr(by: Int | number): Ints {
    return this.#shift(173, by);
  }
  /** Filling up with the sign. */
  sar(by: Int | number): Ints {
    return this.#shift(172, by);
  }
  rotl(by: number): Ints {
    return this.shl(by).or(this.shr(32 - by));
  }
  min(x: Ints | number): Ints {
    return this.#binary(183, x); // unsigned
  }
  max(x: Ints | number): Ints {
    return this.#binary(185, x);
  }
  /** A mask. */
  eq(x: Ints | number): Ints {
    return this.#binary(55, x);
  }
  ne(x: Ints | number): Ints {
    return this.#binary(56, x);
  }
  /** Unsigned, as all of these are. */
  lt(x: Ints | number): Ints {
    return this.#binary(58, x);
  }
  gt(x: Ints | number): Ints {
    return this.#binary(60, x);
  }
  le(x: Ints | number): Ints {
    return this.#binary(62, x);
  }
  ge(x: Ints | number): Ints {
    return this.#binary(64, x);
  }
  /** The same bits. */
  asFloats(): Floats {
    return new Floats(this.in, this.local, this.scope);
  }
  fromSigned(): Floats {
    return this.in.floats(simd(250), this);
  }
  fromUnsigned(): Floats {
    return this.in.floats(simd(251), this);
  }
  isSet(): Ints {
    return this.ne(0);
  }
  /** As a mask: `yes` where it is set, else `no`. */
  floats(yes: Floats | number, no: Floats | number): Floats {
    const f = this.in;
    if (no === 0) {
      const y = f.asFloats(yes).where(this);
      if (yes === 1) y.mask = this;
      return y;
    }
    return this.select(f.asFloats(yes), f.asFloats(no), (_, op, ...args) => f.floats(op, ...args));
  }
  choose(yes: Ints | number, no: Ints | number): Ints {
    const f = this.in;
    return this.select(f.asInts(yes), f.asInts(no), (_, op, ...args) => f.ints(op, ...args));
  }
  /** One of the four. */
  lane(i: number): Int {
    return this.in.int(opcode(1000 + i, [0xfd, 27, i]), this);
  }
  /** The same with another number in one place. */
  withLane(i: number, n: Int): Ints {
    return this.in.ints(opcode(1004 + i, [0xfd, 28, i]), this, n);
  }
}

/** The local that holds a value, and the scope from which on it is known. */
interface Known {
  readonly local: number;
  readonly scope: Scope;
}

/** A local that changes: an accumulator, a pointer that walks. */
export interface Var<V extends Value> {
  readonly local: number;
  readonly make: (f: Func, local: number, scope: Scope) => V;
}

/** What the code is written for. */
export interface Target {
  /** Relaxed SIMD: a product and a sum in one instruction. */
  readonly relaxed: boolean;
  /**
   * The address of a word in memory that holds this constant. Constants of vectors are loaded before the loops: written
   * as such, V8 moves them into the loop and builds them again in each iteration (exp: 1.0 ns instead of 0.76).
   */
  readonly constantAt: (word: number) => number;
  /** Modules are `marked` with this. */
  readonly mark?: string | undefined;
}

/** A function under construction. */
export class Func {
  readonly target: Target;
  readonly params: readonly Type[];
  readonly results: readonly Type[];
  readonly #locals: Type[] = [];
  readonly #root = new Scope(undefined);
  #here = this.#root;

  constructor(target: Target, params: readonly Type[], results: readonly Type[]) {
    this.target = target;
    this.params = params;
    this.results = results;
  }

  /** The i-th parameter, an i32. */
  param(i: number): Int {
    return new Int(this, i, this.#root);
  }

  #local(type: Type): number {
    return this.params.length + this.#locals.push(type) - 1;
  }

  /** An instruction on values, whose result is known from then on. `immediates` follow the opcode. */
  #value(
    type: Type,
    op: Opcode,
    args: readonly Value[],
    immediates: readonly number[] | undefined = undefined,
    kind: "value" | "load" = "value",
  ): Known {
    let scope = this.#root;
    for (const x of args) if (x.scope.depth > scope.depth) scope = x.scope;
    const key = keyOf(op, args, immediates);
    const known = scope.known.get(key);
    if (known !== undefined) return { local: known, scope };
    const code = this.#codeIn(scope);
    const local = this.#local(type);
    code.instructions.push({ kind, args: locals(args), code: immediates ? [...op.bytes, ...immediates] : op.bytes, result: local });
    scope.known.set(key, local);
    return { local, scope };
  }

  /** What is not a value: it stays in its place. */
  #do(kind: "copy" | "set" | "effect", args: readonly number[], code: readonly number[], result?: number): void {
    this.#here.last.instructions.push({ kind, args, code, result });
  }

  /** Where code of a scope goes now: at its end, or before the loop of it that is being written. */
  #codeIn(scope: Scope): Stretch {
    let inner: Scope | undefined;
    for (let s = this.#here; s !== scope; s = s.parent as Scope) {
      inner = s;
      if (!s.parent) throw new Error("assembler: a value is used outside of the loop that it belongs to");
    }
    return inner?.before ?? scope.last;
  }

  int(op: Opcode, ...args: readonly Value[]): Int {
    const { local, scope } = this.#value("i32", op, args);
    return new Int(this, local, scope);
  }

  floats(op: Opcode, ...args: readonly Value[]): Floats {
    const { local, scope } = this.#value("v128", op, args);
    return new Floats(this, local, scope);
  }

  ints(op: Opcode, ...args: readonly Value[]): Ints {
    const { local, scope } = this.#value("v128", op, args);
    return new Ints(this, local, scope);
  }

  asInt(n: Int | number): Int {
    if (n instanceof Int) return n;
    const { local, scope } = this.#value("i32", plain(0x41), [], signed(n));
    return new Int(this, local, scope);
  }

  asFloats(x: Floats | number): Floats {
    return x instanceof Floats ? x : this.#constant(new Uint32Array(new Float32Array([x]).buffer)[0]).asFloats();
  }

  asInts(n: Ints | number): Ints {
    return n instanceof Ints ? n : this.#constant(n >>> 0);
  }

  #constant(word: number): Ints {
    return word === 0 ? this.constants(0, 0, 0, 0) : this.loadSplat(this.asInt(0), this.target.constantAt(word)).bits();
  }

  /** Four constants, as part of the code. */
  constants(...words: readonly [number, number, number, number]): Ints {
    const bytes = new Uint8Array(new Uint32Array(words).buffer);
    const { local, scope } = this.#value("v128", simd(12), [], [...bytes]);
    return new Ints(this, local, scope);
  }

  /** The same number in all four places. */
  splat(n: Int): Ints {
    return this.ints(simd(17), n);
  }

  #loaded(type: Type, op: Opcode, align: number, address: Int, offset: number): Known {
    return this.#value(type, op, [address], [align, ...unsigned(offset)], "load");
  }

  /** Memory at an address: four floats, … */
  load(address: Int, offset = 0): Floats {
    const { local, scope } = this.#loaded("v128", simd(0), 2, address, offset);
    return new Floats(this, local, scope);
  }

  /** … one float in all four places, … */
  loadSplat(address: Int, offset = 0): Floats {
    const { local, scope } = this.#loaded("v128", simd(9), 2, address, offset);
    return new Floats(this, local, scope);
  }

  /** … two floats, and zeros, … */
  loadTwo(address: Int, offset = 0): Floats {
    const { local, scope } = this.#loaded("v128", simd(93), 2, address, offset);
    return new Floats(this, local, scope);
  }

  /** … one word, … */
  loadInt(address: Int, offset = 0): Int {
    const { local, scope } = this.#loaded("i32", plain(0x28), 2, address, offset);
    return new Int(this, local, scope);
  }

  /** … one byte, … */
  loadByte(address: Int, offset = 0): Int {
    const { local, scope } = this.#loaded("i32", plain(0x2d), 0, address, offset);
    return new Int(this, local, scope);
  }

  /** … four bytes as four whole numbers, … */
  loadBytes(address: Int, offset = 0): Ints {
    const { local, scope } = this.#loaded("v128", simd(92), 0, address, offset);
    const bytes = new Ints(this, local, scope);
    return this.ints(simd(169), this.ints(simd(137), bytes)); // extended twice, unsigned
  }

  /** … and one word into one of four places. */
  loadLane(vector: Ints, lane: number, address: Int, offset = 0): Ints {
    const { local, scope } = this.#value("v128", simd(86), [address, vector], [2, ...unsigned(offset), lane], "load");
    return new Ints(this, local, scope);
  }

  /** Eight bytes of a and b, given as numbers of words: 0 … 3 of a, 4 … 7 of b. */
  shuffle(a: Floats, b: Floats, words: readonly [number, number, number, number]): Floats {
    const bytes = words.flatMap((w) => [4 * w, 4 * w + 1, 4 * w + 2, 4 * w + 3]);
    const { local, scope } = this.#value("v128", simd(13), [a, b], bytes);
    return new Floats(this, local, scope);
  }

  store(address: Int, x: Floats | Ints, offset = 0): void {
    this.#statement([address, x], [0xfd, 11], 2, offset);
  }

  /** The first two of the four only, or the last two. */
  storeTwo(address: Int, x: Floats | Ints, offset = 0, half: 0 | 1 = 0): void {
    this.#statement([address, x], [0xfd, 91], 2, offset, [half]);
  }

  /** The first of the four only. */
  storeFirst(address: Int, x: Floats | Ints, offset = 0): void {
    this.#statement([address, x], [0xfd, 90], 2, offset, [0]);
  }

  storeInt(address: Int, n: Int, offset = 0): void {
    this.#statement([address, n], [0x36], 2, offset);
  }

  #statement(args: readonly Value[], op: readonly number[], align: number, offset: number, rest: number[] = [], result?: number): void {
    this.#do("effect", locals(args), [...op, align, ...unsigned(offset), ...rest], result);
  }

  /** Bytes as they are, for what is too rare to have a method. Each pops and pushes nothing in sum. */
  raw(args: readonly Value[], ...bytes: readonly number[]): void {
    this.#do("effect", locals(args), bytes);
  }

  /** The result of an instruction with an effect on memory, which is never left out. */
  effect(op: readonly number[], align: number, offset: number, ...args: readonly Value[]): Int {
    const local = this.#local("i32");
    this.#statement(args, op, align, offset, [], local);
    return new Int(this, local, this.#here);
  }

  call(target: FuncRef, ...args: readonly (Int | number)[]): Int {
    const values = args.map((n) => this.asInt(n));
    const local = target.results.length > 0 ? this.#local("i32") : undefined;
    this.#do("effect", locals(values), [0x10, ...unsigned(target.index)], local);
    return local === undefined ? this.asInt(0) : new Int(this, local, this.#here);
  }

  // Locals that change.

  intVar(start: Int | number): Var<Int> {
    return this.#var("i32", this.asInt(start), (f, local, scope) => new Int(f, local, scope));
  }

  floatsVar(start: Floats | number): Var<Floats> {
    return this.#var("v128", this.asFloats(start), (f, local, scope) => new Floats(f, local, scope));
  }

  intsVar(start: Ints | number): Var<Ints> {
    return this.#var("v128", this.asInts(start), (f, local, scope) => new Ints(f, local, scope));
  }

  #var<V extends Value>(type: Type, start: V, make: Var<V>["make"]): Var<V> {
    const v = { local: this.#local(type), make };
    this.set(v, start);
    return v;
  }

  /** The variable's value as it is now. */
  get<V extends Value>(v: Var<V>): V {
    const type = this.#locals[v.local - this.params.length];
    const local = this.#local(type);
    this.#do("copy", [v.local], [], local);
    return v.make(this, local, this.#here);
  }

  set<V extends Value>(v: Var<V>, value: V): void {
    this.#do("set", [value.local], [], v.local);
  }

  // Loops and conditions.

  /** for (i = start; i < end; i += step) body(i), in signed numbers. */
  for(start: Int | number, end: Int | number, step: Int | number, body: (i: Int) => void): void {
    const [from, to, by] = [this.asInt(start), this.asInt(end), this.asInt(step)];
    const i = this.#local("i32");
    this.#do("set", [from.local], [], i);
    this.#enter();
    this.#do("effect", [], [0x02, 0x40]); // block: left at once if there is nothing to do
    this.#do("effect", [i, to.local], [0x4e, 0x0d, 0, 0x03, 0x40]); // i ≥ end: out; loop
    const loop = this.#enter();
    body(new Int(this, i, loop));
    this.#do("set", [i, by.local], [0x6a], i);
    this.#do("effect", [i, to.local], [0x48, 0x0d, 0, 0x0b, 0x0b]); // i < end: again
    this.#leave();
    this.#leave();
  }

  /** Goes through `all` in pieces of `most`, of which the last may be smaller. A single piece is no loop. */
  pieces(all: Int | number, most: Int | number, body: (from: Int, count: Int) => void): void {
    const total = this.asInt(all);
    if (typeof all === "number" && typeof most === "number" && all <= most) body(this.asInt(0), total);
    else this.for(0, total, most, (from) => body(from, total.sub(from).min(most)));
  }

  /** do body() while (body's answer is not 0). */
  loop(body: () => Int): void {
    this.#enter();
    this.#do("effect", [], [0x03, 0x40]);
    this.#enter();
    const again = body();
    this.#do("effect", [again.local], [0x0d, 0, 0x0b]);
    this.#leave();
    this.#leave();
  }

  if(condition: Int, then: () => void, otherwise?: () => void): void {
    this.#enter(); // what is hoisted out of a branch goes before the condition
    this.#do("effect", [condition.local], [0x04, 0x40]);
    this.#enter();
    then();
    this.#leave();
    if (otherwise) {
      this.#do("effect", [], [0x05]);
      this.#enter();
      otherwise();
      this.#leave();
    }
    this.#do("effect", [], [0x0b]);
    this.#leave();
  }

  /** Code whose values are its own, but which is no loop. */
  section(body: () => void): void {
    this.#enter();
    body();
    this.#leave();
  }

  return(value?: Int | number): void {
    this.#do("effect", value === undefined ? [] : [this.asInt(value).local], [0x0f]);
  }

  #enter(): Scope {
    const inner = new Scope(this.#here);
    this.#here.parts.push(inner, new Stretch());
    this.#here = inner;
    return inner;
  }

  #leave(): void {
    this.#here = this.#here.parent as Scope;
  }

  body(): Bytes {
    const [code, declared] = this.#written();
    const body = new Bytes();
    const runs: [number, Type][] = [];
    for (const type of declared) {
      const last = runs.at(-1);
      if (last?.[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    body.u32(runs.length);
    for (const [n, type] of runs) {
      body.u32(n);
      body.push(TYPES[type]);
    }
    body.append(code);
    if (this.results.length > 0) body.push(0x00); // the end is not reached: every way returns before it
    body.push(0x0b);
    return body;
  }

  /** The code, and the types of the locals that are left in it. */
  #written(): [Bytes, Type[]] {
    const stretches = [...this.#root.stretches()];
    const uses: number[] = new Array(this.params.length + this.#locals.length).fill(0);
    for (const { instructions } of stretches) for (const { args } of instructions) for (const local of args) uses[local]++;

    const code = new Bytes();
    const declared: Type[] = [];
    const numbers: number[] = uses.map((_, local) => (local < this.params.length ? local : -1));
    const access = (opcode: number, local: number): void => {
      if (numbers[local] < 0) numbers[local] = this.params.length + declared.push(this.#locals[local - this.params.length]) - 1;
      code.local(opcode, numbers[local]);
    };
    for (const stretch of stretches) {
      const moved = stretch.moved(uses);
      const compute = (x: Instruction): void => {
        for (const local of x.args) {
          const inner = moved.get(local);
          if (inner) compute(inner);
          else access(0x20, local);
        }
        code.list(x.code);
      };
      for (const x of stretch.instructions) {
        if (x.result !== undefined && moved.has(x.result)) continue;
        compute(x);
        if (x.result !== undefined) access(0x21, x.result);
      }
    }
    return [code, declared];
  }
}

const locals = (values: readonly Value[]): number[] => values.map((x) => x.local);

/** What an expression is found again by. */
type Key = number | string;
const PLACE = 2 ** 14; // for each local in a key that is one number: with three of them, and 2¹⁰ opcodes, it is exact

function keyOf(op: Opcode, args: readonly Value[], immediates: readonly number[] | undefined): Key {
  if (immediates || args.some((x) => x.local >= PLACE)) return `${op.id} ${locals(args)} ${immediates}`;
  return args.reduce((key, { local }) => key * PLACE + local, op.id * PLACE ** (3 - args.length));
}

/** A function that can be called: its number in the module. */
export interface FuncRef {
  readonly index: number;
  readonly results: readonly Type[];
}

export interface MemoryLimits {
  /** In pages of 64 KiB. */
  readonly initial: number;
  readonly maximum: number;
  readonly shared: boolean;
}

/** A module with one memory, imported as `env.memory`; functions may be imported from `env` as well. */
export class Module {
  readonly target: Target;
  readonly #memory: MemoryLimits;
  readonly #imports: { readonly name: string; readonly type: number }[] = [];
  readonly #funcs: { readonly f: Func; readonly type: number; readonly exported: string | undefined }[] = [];
  readonly #types = new Map<string, { readonly params: readonly Type[]; readonly results: readonly Type[] }>();

  constructor(memory: MemoryLimits, target: Target) {
    this.#memory = memory;
    this.target = target;
  }

  #type(params: readonly Type[], results: readonly Type[]): number {
    const key = `${params}>${results}`;
    if (!this.#types.has(key)) this.#types.set(key, { params, results });
    return [...this.#types.keys()].indexOf(key);
  }

  /** A function from outside. All of them come before the first of the module's own. */
  import(name: string, params: readonly Type[], results: readonly Type[] = []): FuncRef {
    if (this.#funcs.length > 0) throw new Error(`assembler: import ${name} comes after a function`);
    const index = this.#imports.push({ name, type: this.#type(params, results) }) - 1;
    return { index, results };
  }

  /** A function of this module; under a name if it is for those outside. */
  func(exported: string | undefined, params: readonly Type[], results: readonly Type[], write: (f: Func) => void): FuncRef {
    const f = new Func(this.target, params, results);
    write(f); // functions that this one calls are finished before it
    const index = this.#imports.length + this.#funcs.push({ f, type: this.#type(params, results), exported }) - 1;
    return { index, results };
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const module = new Bytes();
    module.push(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    const section = (id: number, write: (b: Bytes) => void): void => {
      const inner = new Bytes();
      write(inner);
      module.push(id);
      module.sized(inner);
    };
    section(1, (b) => {
      b.u32(this.#types.size);
      for (const { params, results } of this.#types.values()) {
        b.push(0x60);
        for (const list of [params, results]) {
          b.u32(list.length);
          b.push(...list.map((type) => TYPES[type]));
        }
      }
    });
    section(2, (b) => {
      b.u32(1 + this.#imports.length);
      const { initial, maximum, shared } = this.#memory;
      b.text("env");
      b.text("memory");
      b.push(2, shared ? 3 : 1);
      b.u32(initial);
      b.u32(maximum);
      for (const { name, type } of this.#imports) {
        b.text("env");
        b.text(name);
        b.push(0);
        b.u32(type);
      }
    });
    section(3, (b) => {
      b.u32(this.#funcs.length);
      for (const { type } of this.#funcs) b.u32(type);
    });
    section(7, (b) => {
      const out = this.#funcs.filter(({ exported }) => exported !== undefined);
      b.u32(out.length);
      for (const one of out) {
        b.text(one.exported as string);
        b.push(0);
        b.u32(this.#imports.length + this.#funcs.indexOf(one));
      }
    });
    section(10, (b) => {
      b.u32(this.#funcs.length);
      for (const { f } of this.#funcs) b.sized(f.body());
    });
    const { mark } = this.target;
    return mark === undefined ? module.done() : marked(module.done(), mark);
  }
}

/** The same module in other bytes, for V8 compiles equal bytes once, whatever its flags are: code for other flags must differ. */
export function marked(module: Uint8Array<ArrayBuffer>, mark: string): Uint8Array<ArrayBuffer> {
  const name = new Bytes();
  name.text(mark);
  const section = new Bytes();
  section.push(0); // a section of no meaning, but for its name
  section.sized(name);
  const bytes = new Uint8Array(module.length + section.length);
  bytes.set(module);
  bytes.set(section.done(), module.length);
  return bytes;
}
