// `elbo cluster`, `map` and `embed` as their users meet them, on a small run.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { csv } from "../src/cli/csv.ts";
import { encodeNpy } from "../src/cli/npy.ts";
import { built, elbo } from "./setup/cli.ts";
import { idx } from "./setup/idx.ts";

const cwd = mkdtempSync(join(tmpdir(), "elbo-cluster-"));
const path = (...parts: string[]): string => join(cwd, ...parts);
const read = (...parts: string[]): string => readFileSync(path(...parts), "utf8");
const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");
const run = (...args: string[]) => elbo({ cwd }, ...args, "--threads", "1");

beforeAll(async () => {
  built();
  mkdirSync(path("bars"));
  const pixels = Array.from({ length: 60 }, (_, i) => Array.from({ length: 35 }, (_, j) => (Math.floor(j / 7) === i % 5 ? 250 : 10)));
  writeFileSync(path("bars/train-images-idx3-ubyte"), idx([48, 5, 7], pixels.slice(0, 48).flat())); // without labels
  writeFileSync(path("bars/t10k-images-idx3-ubyte"), idx([12, 5, 7], pixels.slice(48).flat()));
  const small = ["--size", "14", "--hidden", "32", "--epochs", "2", "--batch", "50", "--seed", "1"];
  const ended = await Promise.all([
    run("train", "--limit", "600", ...small, "--latent", "4", "--out", "digits"),
    run("train", "--data", "bars", "--hidden", "9", "--latent", "1", "--batch", "16", "--epochs", "1", "--out", "line"),
  ]);
  expect(ended.map(({ code, stderr }) => code || stderr.includes("error"))).toEqual([false, false]);
});
afterAll(() => rmSync(cwd, { recursive: true }));

/** Type, shape and the first value of a .npy file, read as its specification says. */
function npy(bytes: Buffer): { head: string; values: Buffer } {
  expect(bytes.subarray(0, 8).toString("latin1")).toBe("\x93NUMPY\x01\x00");
  const end = 10 + bytes.readUInt16LE(8);
  expect(end % 64).toBe(0);
  expect(bytes[end - 1]).toBe(10);
  return { head: bytes.subarray(10, end).toString("latin1").trimEnd(), values: bytes.subarray(end) };
}

describe(".npy and .csv", () => {
  test("a header that says type and shape, a multiple of 64 bytes long, then the values as they lie in memory", () => {
    const { head, values } = npy(Buffer.from(encodeNpy(Float32Array.of(1, -2.5, 3, 4, 5, 6).subarray(0, 6), [2, 3])));
    expect(head).toBe("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
    expect([values.length, values.readFloatLE(4)]).toEqual([24, -2.5]);
    expect(npy(Buffer.from(encodeNpy(Uint8Array.of(9, 8, 7).subarray(1), [2])))).toEqual({
      head: "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }",
      values: Buffer.from([8, 7]),
    });
    expect(npy(Buffer.from(encodeNpy(Uint32Array.of(258), [1]))).values).toEqual(Buffer.from([2, 1, 0, 0]));
    expect(() => encodeNpy(Float32Array.of(1), [2])).toThrow("1 values do not make an array of [2]");
  });

  test("a cell with a comma or a quotation mark is quoted, one without a value empty", () => {
    expect(
      csv(
        ["a", "b"],
        [
          [1, "x"],
          ['say "no"', "1,5"],
          [undefined, "c\nd"],
        ],
      ),
    ).toBe('a,b\n1,x\n"say ""no""","1,5"\n,"c\nd"\n');
  });
});

describe("elbo cluster", () => {
  test("--json: sizes, agreement with the labels, and files that say the same", async () => {
    const { code, stdout, stderr } = await run("cluster", "digits", "--json", "--out", "deep/groups");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ run: "digits", method: "kmeans", clusters: 10, train: 600, test: 600 });
    const { groups, adjustedRand, normalizedMutualInformation: nmi } = report;
    for (const part of ["train", "test"]) expect(groups.reduce((sum: number, g: Record<string, number>) => sum + g[part], 0)).toBe(600);
    const sizes = groups.map(({ train }: { train: number }) => train);
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    expect(nmi).toBeGreaterThan(0.05); // two epochs are enough for more than chance
    expect(adjustedRand).toBeGreaterThan(0.02);
    expect(readdirSync(path("deep/groups")).sort()).toEqual(["clusters.csv", "clusters.png", "clusters.svg"]);
    const [names, ...rows] = lines(read("deep/groups/clusters.csv"));
    expect(names).toBe("part,image,cluster,label");
    expect(rows).toHaveLength(1200);
    expect(rows.filter((row) => /^test,\d+,0,/.test(row))).toHaveLength(groups[0].test);
    expect(rows.filter((row) => row.startsWith("test,") && row.split(",")[2] === "0" && row.endsWith(`,${groups[0].label}`))).toHaveLength(
      Math.round(groups[0].share * groups[0].test),
    );
    const png = readFileSync(path("deep/groups/clusters.png"));
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([16 * 16 + 2, 10 * 16 + 2]); // 14 pixels and 2 between
    expect(read("deep/groups/clusters.svg")).toContain("codes of 600 test images");

    const again = await run("cluster", "digits", "--json", "--out", "deep/groups");
    expect(again.stdout).toBe(stdout);
  });

  test("a mixture, as a table", async () => {
    const { code, stdout } = await run("cluster", "digits", "--method", "mixture", "--clusters", "3", "--limit", "200");
    expect(code).toBe(0);
    expect(
      lines(stdout)
        .slice(0, 3)
        .map((line) => line.split(/\s+/).slice(1, 3).join(" ")),
    ).toEqual(["group 0", "group 1", "group 2"]);
    expect(stdout).toMatch(/with the labels of 200 test images: adjusted Rand index -?\d\.\d{3}, normalized mutual information \d\.\d{3}/);
    expect(lines(stdout).slice(-3)).toEqual(["clusters.png", "clusters.csv", "clusters.svg"].map((file) => join("cluster", file)));
  });

  test("data without labels have sizes and no agreement; one latent has no scatter", async () => {
    const { code, stdout, stderr } = await run("cluster", "line", "--clusters", "4", "--out", "lines");
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining("label") });
    expect(stdout).not.toMatch(/label|Rand/);
    expect(readdirSync(path("lines")).sort()).toEqual(["clusters.csv", "clusters.png"]);
    expect(lines(read("lines/clusters.csv"))[1]).toMatch(/^train,1,[0-3],$/);
  });

  test("more groups than images, a file where the folder should be, and no run are refused, and nothing is written", async () => {
    writeFileSync(path("taken"), "");
    const ends = await Promise.all([
      run("cluster", "line", "--clusters", "49", "--out", "none"),
      run("cluster", "digits", "--out", "taken"),
      run("cluster", "nowhere", "--out", "none"),
    ]);
    expect(ends.map(({ code }) => code)).toEqual([1, 1, 1]);
    expect(ends[0].stderr).toContain("--clusters 49: there are only 48 training images");
    expect(ends[1].stderr).toContain("--out taken: that is a file; name a folder");
    expect(ends[2].stderr).toContain("nowhere");
    expect(existsSync(path("none"))).toBe(false);
  });
});

describe("elbo map", () => {
  test("by principal components, coloured by label: a point for each test image", async () => {
    const { code, stdout, stderr } = await run("map", "digits", "--count", "500");
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${join("map", "map.svg")}\n${join("map", "map.csv")}\n` });
    expect(stderr).toContain("the first 500 of 600 test images");
    const [names, ...rows] = lines(read("map/map.csv"));
    expect(names).toBe("image,x,y,label");
    expect(rows).toHaveLength(500);
    expect(new Set(rows.map((row) => row.split(",")[3])).size).toBe(10);
    expect(read("map/map.svg").match(/<path aria-label="[^"]*group/g)!.length).toBe(500);
  });

  test("by UMAP, coloured by group: the same map for the same seed", async () => {
    const asked = ["--method", "umap", "--color", "cluster", "--clusters", "5", "--count", "60", "--json"];
    const [a, b] = await Promise.all(["a", "b"].map((out) => run("map", "digits", ...asked, "--out", out)));
    expect(JSON.parse(a.stdout)).toMatchObject({ method: "umap", color: "cluster", count: 60, axes: ["UMAP 1", "UMAP 2"] });
    expect(b.code).toBe(0);
    const [names, ...rows] = lines(read("a/map.csv"));
    expect(names).toBe("image,x,y,cluster");
    expect(rows).toHaveLength(60);
    expect(new Set(rows.map((row) => row.split(",")[3])).size).toBe(5);
    expect(read("b/map.csv")).toBe(read("a/map.csv"));
  });

  test("one latent, labels that are not there, and too few images for the neighbours are refused", async () => {
    const ends = await Promise.all([
      run("map", "line", "--out", "none"),
      run("map", "digits", "--data", "bars", "--color", "label", "--out", "none"),
      run("map", "digits", "--method", "umap", "--count", "15", "--out", "none"),
    ]);
    expect(ends.map(({ code }) => code)).toEqual([1, 1, 1]);
    expect(ends[0].stderr).toContain("one latent lies on a line");
    expect(ends[1].stderr).toContain("has no labels; --color cluster");
    expect(ends[2].stderr).toContain("--neighbors 15: there are only 15 images");
    expect(existsSync(path("none"))).toBe(false);
  });
});

describe("elbo embed", () => {
  test("codes as arrays and as a table, and what a linear classifier reads from them", async () => {
    const { code, stdout } = await run("embed", "digits", "--json");
    expect(code).toBe(0);
    const { probe, pixels, ...report } = JSON.parse(stdout);
    const files = ["codes.npy", "logvar.npy", "labels.npy", "codes.csv"].map((file) => join("embed", file));
    expect(report).toEqual({ run: "digits", part: "test", count: 600, latent: 4, files });
    expect(probe.test).toBeGreaterThan(2 * probe.chance);
    expect(pixels).toMatchObject({ components: 4, settled: true });
    expect(pixels.test).toBeGreaterThan(2 * probe.chance);

    const codes = npy(readFileSync(path("embed/codes.npy")));
    expect(codes.head).toContain("'<f4', 'fortran_order': False, 'shape': (600, 4)");
    expect(npy(readFileSync(path("embed/logvar.npy"))).values).toHaveLength(600 * 4 * 4);
    const labels = npy(readFileSync(path("embed/labels.npy")));
    expect(labels.head).toContain("'|u1', 'fortran_order': False, 'shape': (600,)");
    const [names, ...rows] = lines(read("embed/codes.csv"));
    expect(names).toBe("z0,z1,z2,z3,label");
    expect(rows).toHaveLength(600);
    const cells = rows[7].split(",");
    expect(Math.fround(Number(cells[2]))).toBe(codes.values.readFloatLE(4 * (7 * 4 + 2)));
    expect(cells[4]).toBe(`${labels.values[7]}`);
  });

  test("one file for the codes alone, of the images trained on", async () => {
    const { code, stdout } = await run("embed", "digits", "--part", "train", "--limit", "130", "--out", "train.npy");
    expect(code).toBe(0);
    expect(stdout).toMatch(/from 4 latents +\d+\.\d\d % of test images, \d+\.\d\d % of training images/);
    expect(stdout).toMatch(/from 4 principal components of pixels/);
    expect(lines(stdout).at(-1)).toBe("train.npy");
    expect(npy(readFileSync(path("train.npy"))).head).toContain("(130, 4)");
  });

  test("images without labels have codes, and no probe", async () => {
    const { code, stdout, stderr } = await run("embed", "line", "--out", "bare");
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: ["codes.npy", "logvar.npy", "codes.csv"].map((file) => `${join("bare", file)}\n`).join(""),
    });
    expect(stderr).toContain("has no labels, so there is nothing for a linear probe to tell");
    expect(lines(read("bare/codes.csv"))[0]).toBe("z0");
  });
});
