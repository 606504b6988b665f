// The ladders of kernels: every rung is right at sizes that no tile divides, and what is not right is refused with its reason.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkOf, unwritten } from "../bench/ladder/check.mjs";
import { climb, type Entry, gains } from "../bench/ladder/climb.mjs";
import { dispatchOf } from "../bench/ladder/declared.mjs";
import { type Gpu, openGpu } from "../bench/ladder/gpu.mjs";
import { ladders, own } from "../bench/ladder/rungs.mjs";
import { operands, workOf } from "../bench/ladder/work.mjs";
import { objection } from "../bench/mine.mjs";
import "../dist/node.js";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openGpu();
});
afterAll(() => gpu.close());

const read = async (url: URL) => readFileSync(url, "utf8");
const once = async (body: () => Promise<unknown>) => {
  await body();
  return { median: 1, min: 1, spread: 0, samples: 1 };
};

/** What is wrong with each rung of a ladder at these sizes; nothing, if all is right. */
async function wrongs(name: keyof typeof ladders, size: string): Promise<string[]> {
  const { work, rungs } = ladders[name];
  const found: string[] = [];
  const made = workOf(work, size);
  const check = checkOf(made);
  for (const rung of rungs) {
    const opened = await rung.open(made, { gpu, read });
    const wrong = check(await opened.results());
    if (wrong) found.push(`${rung.name}, ${size}: ${wrong}`);
    await opened.close();
  }
  return found;
}

describe("every rung is right", () => {
  const products = ["1", "5,7,65", "65,5,7", "7,65,1", "64,32,16"];
  test.each(products)("of the matrix product on the processor, %s [js, wasm]", async (size) =>
    expect(await wrongs("cpu", size)).toEqual([]),
  );
  test.each(products)("of the matrix product, %s [webgpu]", async (size) => expect(await wrongs("matmul", size)).toEqual([]));
  test.each(["1,1,1,1,1", "2,5,7,3,5", "1,7,5,2,65,2,3,2,1", "2,9,8,4,8,4,4,2,1"])("of the convolution, %s [webgpu]", async (size) =>
    expect(await wrongs("conv", size)).toEqual([]),
  );

  test("there are rungs in files, and the last of each ladder is the library's", () => {
    for (const { rungs } of Object.values(ladders)) {
      expect(rungs.filter(({ url }) => url).length).toBeGreaterThanOrEqual(3);
      expect(rungs.at(-1)?.url).toBeUndefined();
    }
  });
});

test("gains are over the rung before and over the first, and leave out what stands beside", () => {
  const entry = (rung: string, perSecond: number, beside = false): Entry => ({ rung, device: "js", beside, perSecond });
  const wrong: Entry = { rung: "wrong", device: "js", beside: false, wrong: "c[0] is 1" };
  const found = gains([entry("a", 1), wrong, entry("b", 3), entry("c", 6), entry("d", 12, true)]);
  expect(found.map(({ before, first, share }) => [before, first, share])).toEqual([
    [undefined, undefined, 1 / 12],
    [undefined, undefined, undefined],
    [3, 3, 1 / 4],
    [2, 6, 1 / 2],
    [undefined, undefined, 1],
  ]);
});

describe("a check", () => {
  const work = workOf("matmul", "5,7,3");
  const right = () => {
    const [a, b] = operands(work);
    return Float32Array.from({ length: 35 }, (_, at) => {
      const [i, j] = [Math.floor(at / 7), at % 7];
      return [0, 1, 2].reduce((sum, p) => sum + a[3 * i + p] * b[7 * p + j], 0);
    });
  };

  test("takes what is right", () => expect(checkOf(work)(right())).toBeUndefined());

  test("names the first element that is wrong, and by how much", () => {
    const c = right();
    c[2 * 7 + 3] += 1e-4;
    c[34] = Number.NaN;
    expect(checkOf(work)(c)).toMatch(/^c\[2, 3\] is -?\d\.\d+, and -?\d\.\d+ ± \S+ in float64$/);
    c[2 * 7 + 3] -= 1e-4;
    expect(checkOf(work)(c)).toMatch(/^c\[4, 6\] is NaN/);
  });

  test("names the first element that was not written", () => {
    const c = unwritten(35);
    c.set(right().subarray(0, 20));
    expect(checkOf(work)(c)).toBe("c[2, 6] was not written");
  });

  test("looks at whole rows and columns of what is too large to compute twice", () => {
    const few = checkOf(work, 0); // the first and the last of the rows and columns, and none in between, which would be drawn at random
    expect(few(right())).toBeUndefined();
    expect(few(right().fill(0, 34))).toMatch(/^c\[4, 6\] is 0/);
    expect(few(right().fill(0, 16, 17)), "c[2, 2] is not looked at").toBeUndefined();
  });
});

const naive = readFileSync("bench/ladder/matmul-2-neighbours.wgsl", "utf8");

/** What becomes of a kernel of one's own. */
async function judged(text: string, as = "matmul", size = "5,7,9"): Promise<Entry> {
  for await (const entry of climb([own({ file: "mine.wgsl", text })], workOf(as, size), { gpu, read }, once)) return entry;
  throw new Error("there was no entry");
}

describe("a kernel of one's own", () => {
  test("is taken and timed if it is right [webgpu]", async () => {
    const { wrong, perSecond, rung } = await judged(naive);
    expect([wrong, rung]).toEqual([undefined, "mine.wgsl"]);
    expect(perSecond).toBeGreaterThan(0);
  });

  test("may claim to be a convolution, a map, a reduction [webgpu]", async () => {
    const one = (body: string) => `struct Size { n: u32${body.includes("size.r") ? ", r: u32" : ""} }
      @group(0) @binding(0) var<storage, read> x: array<f32>;
      @group(0) @binding(1) var<storage, read_write> y: array<f32>;
      @group(0) @binding(2) var<uniform> size: Size;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
        if (id.x >= size.n) { return; }
        ${body}
      }`;
    const sum = "var sum = 0.0; for (var j = 0u; j < size.r; j++) { sum += x[id.x * size.r + j]; } y[id.x] = sum;";
    expect((await judged(one("y[id.x] = max(x[id.x], 0.0);"), "map", "1000")).wrong).toBeUndefined();
    expect((await judged(one(sum), "reduce", "65,70")).wrong).toBeUndefined();
    const conv = readFileSync("bench/ladder/conv-1-naive.wgsl", "utf8");
    expect((await judged(conv, "conv2d", "2,5,7,3,5")).wrong).toBeUndefined();
  });

  test.each([
    ["an index that is off by one", naive.replace("var p = 0u", "var p = 1u"), /^mine\.wgsl: c\[0, 0\] is .* in float64$/],
    ["a last row that is not computed", naive.replace("row >= size.m", "row + 1u >= size.m"), /^mine\.wgsl: c\[4, 0\] was not written$/],
    ["a name that is not declared", naive.replace("+= a[", "+= aa["), /^mine\.wgsl:26: .*'aa'.*\n {4}sum \+= aa\[.*\n {11}\^$/s],
    [
      "a binding that is missing",
      naive.replace(/.*@binding\(1\).*/, ""),
      /^mine\.wgsl: there is no @group\(0\) @binding\(1\) for b; matmul binds a at/,
    ],
    [
      "a binding that is too many",
      `${naive}\n@group(0) @binding(4) var<storage, read> d: array<f32>;`,
      /^mine\.wgsl:\d+: @group\(0\) @binding\(4\) is nothing/,
    ],
    [
      "a result that is not writable",
      naive.replace("read_write", "read"),
      /^mine\.wgsl:13: @binding\(2\) is var<storage, read>; c is var<storage, read_write>$/,
    ],
    ["no entry point", naive.replace("@compute @workgroup_size(WIDTH, HEIGHT)", ""), /^mine\.wgsl: there is no entry point/],
    ["no workgroup size", naive.replace("@workgroup_size(WIDTH, HEIGHT)", ""), /^mine\.wgsl:16: main has no @workgroup_size$/],
    ["a workgroup that is too large", naive.replace("@workgroup_size(WIDTH, HEIGHT)", "@workgroup_size(256, 16)"), /^mine\.wgsl: .*256/s],
    [
      "a size that there is not",
      naive.replace("n: u32, k", "n: u32, depth: u32, k"),
      /^mine\.wgsl:9: Size has "depth: u32"; the sizes of matmul are m,n,k,batch/,
    ],
    [
      "a block whose size is not understood",
      naive.replace("WIDTH = 16u", "WIDTH = 4u << 2u"),
      /^mine\.wgsl:7: "4u << 2u" is not read here/,
    ],
  ])("is refused for %s [webgpu]", async (_, text, reason) => {
    const { wrong, perSecond } = await judged(text);
    expect(wrong).toMatch(reason);
    expect(perSecond).toBeUndefined();
  });

  test("starts as many workgroups as its blocks of the result need, or as it is told", () => {
    const groups = (text: string, given?: [number, number, number]) =>
      dispatchOf({ file: "mine.wgsl", text }, workOf("matmul", "100,200,8"), given).groups;
    const bare = naive
      .replace(/^const .*\n/gm, "")
      .replace("WIDTH, HEIGHT", "8, 4")
      .replace(/HEIGHT/g, "4u")
      .replace(/WIDTH/g, "8u");
    expect(groups(naive)).toEqual([13, 7, 1]);
    expect(groups(bare), "an element for each invocation").toEqual([25, 25, 1]);
    expect(groups(bare.replace("struct", "const TILE = 20u;\nstruct"))).toEqual([10, 5, 1]);
    expect(groups(bare.replace("struct", "const EACH = 4u; const WIDTH = EACH * 10u;\nstruct"))).toEqual([5, 25, 1]);
    expect(groups(bare, [3, 2, 1])).toEqual([3, 2, 1]);
    expect(() => groups(bare, [70_000, 1, 1])).toThrow(/^mine\.wgsl: a dispatch of 70000 × 1 × 1 workgroups; 65535 are the most/);
  });
});

test("the command says what is wrong with its options", () => {
  const ask = (options: object) => objection({ argument: ["README.md"], as: "matmul", size: "", groups: "", filter: "", ...options });
  expect(ask({})).toBeUndefined();
  expect(ask({ argument: [] })).toBe("mine takes one file, KERNEL.wgsl");
  expect(ask({ argument: ["nowhere.wgsl"] })).toBe("there is no file nowhere.wgsl");
  expect(ask({ as: "matmull" })).toBe('--as "matmull"; what the kernel claims to be is one of matmul, conv2d, map, reduce');
  expect(ask({ size: "3,4" })).toBe('--size "3,4"; that of matmul is m,n,k, or one number for all');
  expect(ask({ as: "conv2d", size: "1,2,2,1,1,5,5" })).toBe("--a kernel of 5 × 5 does not fit into 2 × 2 with padding 1");
  expect(ask({ groups: "2,x" })).toBe('--groups "2,x"; it is the workgroups to start, x,y,z');
});

test("npm run bench -- mine: a wrong kernel exits 1 with its first wrong element, an absent one 2 [webgpu]", () => {
  const folder = mkdtempSync(join(tmpdir(), "elbo-mine-"));
  const file = join(folder, "mine.wgsl");
  writeFileSync(file, naive.replace("var p = 0u", "var p = 1u"));
  const command = (path: string) => {
    const args = ["bench/run.mjs", "mine", path, "--as", "matmul", "--size", "5"];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env: { ...process.env, ON_TEST_DRIVER: "1" } });
    return [status, stderr];
  };
  expect(command(file)).toEqual([1, expect.stringMatching(/^REFUSED \S+mine\.wgsl: c\[0, 0\] is .* in float64$/m)]);
  rmSync(folder, { recursive: true });
  expect(command(file)).toEqual([2, expect.stringContaining(`bench: there is no file ${file}\n`)]);
});
