// What a kernel's file declares, read from its text: the entry point, what it binds, which sizes it asks for, and how many elements of
// the result a workgroup makes. What cannot be right is refused here, before anything is compiled, with the file and the line.

/** @typedef {import("./work.mjs").Work} Work */
/** @typedef {{ file: string, text: string }} Source */
/** @typedef {readonly [number, number, number]} Groups */

/** A kernel that is not run, or whose result does not count; the message says why. */
export class Refused extends Error {
  /** @override */
  name = "Refused";
}

/**
 * The kernel as a dispatch. `groups` overrules what the file says of itself.
 * @param {Source} source @param {Work} work @param {Groups} [groups]
 * @returns {import("./gpu.mjs").Dispatch}
 */
export function dispatchOf(source, work, groups) {
  const kernel = new Declared(source, work);
  const { entryPoint, workgroup } = kernel.entry();
  kernel.checkBindings();
  return {
    code: source.text,
    entryPoint,
    origin: (line) => ({ file: source.file, line }),
    bindings: [...work.inputs.map((_, i) => ({ of: i, writes: false })), { of: "result", writes: true }],
    size: kernel.sizes().map((name) => work.fields[name]),
    groups: checked(source.file, groups ?? kernel.groups(workgroup)),
  };
}

const MOST = 65535; // workgroups along one dimension of a dispatch, as WebGPU guarantees

/** @param {string} file @param {Groups} groups */
function checked(file, groups) {
  if (groups.every((n) => n <= MOST)) return groups;
  throw new Refused(`${file}: a dispatch of ${groups.join(" × ")} workgroups; ${MOST} are the most each way. Let a workgroup make more`);
}

class Declared {
  /** @param {Source} source @param {Work} work */
  constructor({ file, text }, work) {
    this.file = file;
    this.work = work;
    /** Comments are blanks of the same length, so that places stay true. */
    this.text = text.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "));
  }

  /** The file, and the line if there is one to show. @param {string} message @param {number} [at] @returns {never} */
  refuse(message, at) {
    const line = at === undefined ? "" : `:${this.text.slice(0, at).split("\n").length}`;
    throw new Refused(`${this.file}${line}: ${message}`);
  }

  /** The function that is marked @compute, and the invocations of a workgroup, each way. */
  entry() {
    const functions = [...this.text.matchAll(/((?:@\w+\s*(?:\((?:[^()]|\([^()]*\))*\))?\s*)+)fn\s+(\w+)/g)];
    const entries = functions.filter(([, attributes]) => /@compute\b/.test(attributes));
    const chosen = entries.find(([, , name]) => name === "main") ?? entries[0];
    if (!chosen) this.refuse("there is no entry point: a kernel has a function @compute @workgroup_size(…) fn main(…)");
    if (entries.length > 1 && chosen[2] !== "main") this.refuse(`of several entry points none is called main`, chosen.index);
    const [, attributes, entryPoint] = chosen;
    const list = /@workgroup_size\s*\(((?:[^()]|\([^()]*\))*)\)/.exec(attributes)?.[1];
    if (list === undefined) return this.refuse(`${entryPoint} has no @workgroup_size`, chosen.index);
    const [x, y = 1, z = 1] = list.split(",").flatMap((part) => (part.trim() ? [this.#number(part)] : []));
    return { entryPoint, workgroup: [x, y, z] };
  }

  /** Sees that the operands, the result and the sizes are bound as all rungs bind them. */
  checkBindings() {
    const { inputs, output, name } = this.work;
    const wanted = [
      ...inputs.map((input) => ({ what: input.name, space: "storage, read" })),
      { what: output, space: "storage, read_write" },
      { what: "size", space: "uniform" },
    ];
    const all = wanted.map(({ what, space }, i) => `${what} at @binding(${i}) as var<${space}>`).join(", ");
    const found = this.#bindings();
    for (const { group, binding, space, index } of found) {
      const here = wanted[binding];
      if (group !== 0 || !here) this.refuse(`@group(${group}) @binding(${binding}) is nothing that ${name} has: ${all}`, index);
      if (space.replace(/^storage$/, "storage, read") !== here.space)
        this.refuse(`@binding(${binding}) is var<${space}>; ${here.what} is var<${here.space}>`, index);
    }
    const missing = wanted.findIndex((_, i) => !found.some(({ binding }) => binding === i));
    if (missing >= 0) this.refuse(`there is no @group(0) @binding(${missing}) for ${wanted[missing].what}; ${name} binds ${all}`);
  }

  #bindings() {
    const pattern = /((?:@\w+\s*\([^()]*\)\s*)+)var\s*<([^>]*)>\s*\w+\s*:\s*([^;]+);/g;
    return [...this.text.matchAll(pattern)].map(({ 1: attributes, 2: space, 3: type, index }) => {
      const number = (/** @type {string} */ name) => Number(new RegExp(`@${name}\\s*\\(\\s*(\\d+)[iu]?\\s*\\)`).exec(attributes)?.[1] ?? 0);
      return {
        group: number("group"),
        binding: number("binding"),
        space: space
          .split(",")
          .map((s) => s.trim())
          .join(", "),
        type: type.trim(),
        index,
      };
    });
  }

  /** The fields of the struct that is bound as `size`, which are filled by their names. */
  sizes() {
    const { fields, inputs, name } = this.work;
    const { type, index } = this.#bindings().find(({ binding }) => binding === inputs.length + 1) ?? this.refuse("there is no size");
    const struct = new RegExp(`struct\\s+${type}\\s*\\{([^}]*)\\}`).exec(this.text);
    if (!struct) return this.refuse(`size is ${type}; it is a struct with fields of u32, of these: ${Object.keys(fields)}`, index);
    const members = struct[1].split(",").filter((member) => member.trim());
    return members.map((member) => {
      const [, field, kind] = /^\s*(\w+)\s*:\s*(\w+)\s*$/.exec(member) ?? [];
      if (!(field in fields) || !["u32", "i32"].includes(kind))
        this.refuse(`${type} has "${member.trim()}"; the sizes of ${name} are ${Object.keys(fields)}, each u32`, struct.index);
      return field;
    });
  }

  /** A workgroup makes HEIGHT × WIDTH elements of the result, or TILE × TILE; if neither is said, one for each invocation. @param {number[]} workgroup @returns {Groups} */
  groups([x, y]) {
    const tile = this.#constant("TILE");
    const high = this.#constant("HEIGHT") ?? tile ?? y;
    const wide = this.#constant("WIDTH") ?? tile ?? x;
    return [Math.ceil(this.work.columns / wide), Math.ceil(this.work.rows / high), 1];
  }

  /** @param {string} name @returns {number | undefined} */
  #constant(name) {
    const value = new RegExp(`\\b(?:const|override)\\s+${name}\\b[^=;]*=([^;]*);`).exec(this.text)?.[1];
    return value === undefined ? undefined : this.#number(value);
  }

  /** A number, a constant's name, or a product of them. @param {string} expression @returns {number} */
  #number(expression) {
    const factors = expression.split("*").map((factor) => {
      const [, digits, name] = /^\s*(?:(\d+)[iu]?|(\w+))\s*$/.exec(factor) ?? [];
      const value = name === undefined ? Number(digits) : this.#constant(name);
      if (value) return value;
      return this.refuse(
        `"${expression.trim()}" is not read here; write a number, a const, or a product of such`,
        this.text.indexOf(expression),
      );
    });
    return factors.reduce((product, factor) => product * factor, 1);
  }
}
