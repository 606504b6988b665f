// Kernels as files: each is valid as it stands; combined, later declarations replace earlier ones; and what does not
// compile is shown where it stands.
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DeviceLostError } from "../src/kernels/devices/errors.ts";
import type { WebGpuDevice } from "../src/kernels/devices/webgpu/device.ts";
import { link, type Source } from "../src/kernels/devices/webgpu/link.ts";
import { pipelineOf } from "../src/kernels/devices/webgpu/pipeline.ts";
import { tensor } from "../src/node.ts";
import { openNull, openWebGpu } from "./setup/dawn.ts";
import { wholeNumbers } from "./setup/exact.ts";

let device: WebGpuDevice;
let withAll: WebGpuDevice; // every feature, for what few adapters have
beforeAll(async () => {
  device = await openWebGpu();
  withAll = await openNull();
});
afterAll(async () => {
  await device.close();
  await withAll.close();
});

const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".wgsl"));
const read = (file: string): Source => ({ file, text: readFileSync(`src/${file}`, "utf8") });

/** What the compiler has against a module: its messages, and whether `main` makes a pipeline. */
async function complaints(code: string): Promise<string[]> {
  const { gpu } = code.includes("enable ") ? withAll : device;
  gpu.pushErrorScope("validation");
  const module = gpu.createShaderModule({ code });
  gpu.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main" } });
  const refused = await gpu.popErrorScope();
  const { messages } = await module.getCompilationInfo();
  return [...messages.map((m) => `${m.lineNum}: ${m.message}`), ...(refused ? [refused.message] : [])];
}

describe("every kernel file compiles alone [webgpu]", () => {
  test("there are some", () => expect(files.length).toBeGreaterThanOrEqual(7));
  for (const file of files) {
    test(file, async () => {
      const source = read(file);
      expect(await complaints(source.text)).toEqual([]);
      expect(await complaints(link(source).code), "less what main does not reach").toEqual([]);
    });
  }

  test("and one that is broken is caught", async () => {
    const { text } = read(files[0]);
    expect(await complaints(text.replace("fn main", "fn men"))).not.toEqual([]);
    expect(await complaints(text.replace("@builtin", "@builtout"))).not.toEqual([]);
  });
});

/** What `main` leaves in its last storage buffer: the size follows them, then the workgroups. */
async function outcome(code: string, inputs: readonly Float32Array[], elements: number, size: readonly number[], groups: [number, number]) {
  const { gpu } = device;
  const buffers = [...inputs, new Float32Array(elements), Uint32Array.from(size)].map((values, i) => {
    const usage = (i > inputs.length ? GPUBufferUsage.UNIFORM : GPUBufferUsage.STORAGE) | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const buffer = gpu.createBuffer({ size: values.byteLength, usage });
    gpu.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>);
    return buffer;
  });
  const pipeline = gpu.createComputePipeline({ layout: "auto", compute: { module: gpu.createShaderModule({ code }) } });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(...groups);
  pass.end();
  gpu.queue.submit([encoder.finish()]);
  const values = await device.read(buffers[inputs.length], 0, elements, "f32");
  for (const buffer of buffers) buffer.destroy();
  return values;
}

// More than 65,535 workgroups in a row would take half a gigabyte, so here fewer are folded.
describe("workgroups of a product are counted on from one row of the dispatch to the next [webgpu]", () => {
  for (const [file, m, n, groups] of [
    ["matmul", 100, 130, [5, 3]], // of which 12 have a block
    ["matmul-tiled", 130, 70, [4, 4]], // 15
    ["matmul-narrow", 300, 4, [2, 3]], // 5
  ] as const) {
    test(file, async () => {
      const [batch, k] = [2, 5];
      const [a, b] = [wholeNumbers(batch * m * k, 0), wholeNumbers(batch * k * n, 3)];
      const expected = Float32Array.from({ length: batch * m * n }, (_, i) => {
        const [s, row, col] = [Math.floor(i / n / m), Math.floor(i / n) % m, i % n];
        let sum = 0;
        for (let p = 0; p < k; p++) sum += a[(s * m + row) * k + p] * b[(s * k + p) * n + col];
        return sum;
      });
      const { text } = read(`kernels/matmul/${file}.wgsl`);
      expect(await outcome(text, [a, b], batch * m * n, [batch, m, n, k], [...groups])).toEqual(expected);
    });
  }

  test("matmul-parts", async () => {
    const [batch, m, n, parts] = [2, 9, 11, 3];
    const elements = batch * m * n;
    const sums = wholeNumbers(parts * elements, 0);
    const expected = Float32Array.from({ length: elements }, (_, i) => sums[i] + sums[elements + i] + sums[2 * elements + i]);
    const { text } = read("kernels/matmul/matmul-parts.wgsl");
    expect(await outcome(text, [sums], elements, [batch, m, n, parts], [3, 2])).toEqual(expected);
  });
});

const source = (text: string, file = "a.wgsl"): Source => ({ file, text });
const main = "@compute @workgroup_size(1) fn main() { f(); }";
/** Without line breaks and runs of blanks. */
const plain = (code: string): string => code.replace(/\s+/g, " ").trim();

describe("link", () => {
  test("a later declaration replaces an earlier one of the same name", () => {
    const { code } = link(source(`fn f() { old(); } ${main}`), source("fn f() { var x = 1; }", "b.wgsl"));
    expect(plain(code)).toBe(`fn f() { var x = 1; } ${main}`);
  });

  test("what main does not reach is left out, and with it what only that reaches", () => {
    const { code } = link(source(`fn g() { h(); } fn h() {} const C = 2; struct S { x: u32 } alias F = f32; fn f() {} ${main}`));
    expect(plain(code)).toBe(`fn f() {} ${main}`);
  });

  test("what a source enables stands in front, once, if anything of it is reached", () => {
    const [f16, more] = ["enable f16;\nfn f() { g(); }", "enable f16; enable subgroups; fn g() {}"];
    expect(plain(link(source(f16), source(more, "b.wgsl"), source(main, "c.wgsl")).code)).toBe(
      `enable f16; enable subgroups; fn f() { g(); } fn g() {} ${main}`,
    );
    const { code } = link(source("enable f16; fn unused() {}"), source(`fn f() {} ${main}`, "b.wgsl"));
    expect(plain(code)).toBe(`fn f() {} ${main}`);
  });

  test("names are reached through types, constants, variables and attributes", () => {
    const { code } = link(
      source("const SIDE = HALF * 2u; const HALF = 8u; alias Row = array<T, SIDE>; struct T { x: f32, y: U } struct U { z: u32 }"),
      source("var<workgroup> rows: array<Row, 2>; fn f() { rows[0][0].x = 1.0; } @compute @workgroup_size(SIDE) fn main() { f(); }"),
    );
    for (const name of ["const SIDE", "const HALF", "alias Row", "struct T", "struct U", "var<workgroup> rows", "fn f", "fn main"])
      expect(code).toContain(name);
  });

  test("comments are not read, in either form", () => {
    const text = `// fn f() { wrong(); }\n/* fn f() { also; } } { */ fn f() { /* g(); } */ } // ; g\nfn g() {}\n${main}`;
    const { code } = link(source(text));
    expect(code).toContain("fn f() { /* g(); } */ }");
    expect(code).not.toContain("wrong");
    expect(code).not.toContain("fn g");
  });

  test("nested braces, templates, attributes and constant expressions stay whole", () => {
    const parts = [
      "@group(0) @binding(0) var<storage, read_write> y: array<vec4<f32>>;",
      "const A = array<array<u32, 2>, 2>(array(1u, (2u + 3u)), array(4u, 5u));",
      "@id(3) override scale: f32 = (1.0 + 2.0);",
      "struct P { @align(16) @size(32) x: f32, y: array<f32, (2 + 2)> }",
      "var<private> p: P;",
      "fn f() { if (A[0][1] > 1u) { for (var i = 0u; i < 2u; i++) { y[i] = vec4<f32>(scale, p.x, 0.0, 0.0); } } }",
      "@compute @workgroup_size(max(1, (2)), 1) fn main() { { f(); } }",
    ];
    expect(plain(link(source(parts.join(" "))).code)).toBe(parts.join(" "));
    expect(plain(link(source(parts.join("\n\n"))).code)).toBe(parts.join(" "));
  });

  test("declarations on one line are told apart, with or without a semicolon after a struct", () => {
    const { code } = link(
      source(`struct S { x: u32 }; struct T { s: S } const a = 1u; const b = a; fn f() { var t: T; t.s.x = b; } ${main}`),
    );
    for (const part of ["struct S { x: u32 }", "struct T { s: S }", "const a = 1u;", "const b = a;"]) expect(code).toContain(part);
  });

  test("a line says which file and line it came from", () => {
    const first = source(`// a head\n\nfn unused() {}\n\n// about f\nfn f() {\n  g();\n}\n\n${main}\n`, "first.wgsl");
    const second = source("\n\nfn g() {\n  h();\n}\nfn h() {}", "second.wgsl");
    const linked = link(first, second);
    const lines = linked.code.split("\n");
    const from = (text: string) => linked.origin(lines.findIndex((line) => line.includes(text)) + 1);
    expect(from("fn f")).toEqual({ file: "first.wgsl", line: 6 });
    expect(from("g();")).toEqual({ file: "first.wgsl", line: 7 });
    expect(from("fn main")).toEqual({ file: "first.wgsl", line: 10 });
    expect(from("fn g")).toEqual({ file: "second.wgsl", line: 3 });
    expect(from("h();")).toEqual({ file: "second.wgsl", line: 4 });
    expect(from("fn h")).toEqual({ file: "second.wgsl", line: 6 });
  });
});

test("a kernel that does not compile is an error with its file, its line and a caret [webgpu]", async () => {
  const broken = await openWebGpu();
  const file = read("kernels/elementwise/elementwise.wgsl");
  const patch = source("fn element(i: u32) {\n  let twice = 2.0 * a[i];\n  y[i] = twice + missing;\n}", "patch.wgsl");
  pipelineOf(broken, { linked: link(file, patch), label: "sabotage" });
  await expect(broken.idle()).rejects.toThrow(/^patch\.wgsl:3: .*missing.*\n {2}y\[i\] = twice \+ missing;\n {17}\^$/s);
  // The device remembers: what is asked of it later cannot be right.
  await expect(tensor([1]).add(1).data()).rejects.toThrow(/patch\.wgsl:3/);
  await broken.close();
  expect(() => broken.check()).toThrow(DeviceLostError);
});
