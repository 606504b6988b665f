// The packed package in a page that Vite bundled: docs/browser.md's example prints what it promises there, and the text that
// threads run is still right after it was minified.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { browserLaunch } from "./setup/driver.mjs";
import { type Site, serve } from "./setup/site.ts";

const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

/** The files that docs/browser.md shows, by the names they begin with. */
const shown = Object.fromEntries(
  [...readFileSync("docs/browser.md", "utf8").matchAll(/```js\n\/\/ (\S+)\n([\s\S]*?)```/g)].map(([, name, code]) => [name, code]),
);

/** Threads from the text, and from the file. */
const twice = `
  import { open, tensor } from "elbo";
  import workerUrl from "elbo/worker?worker&url";
  for (const options of [{}, { workerUrl }]) {
    await using device = await open("wasm", { threads: 2, ...options });
    self.postMessage([device.description.slice(0, 17), await tensor([[1, 2], [3, 4]]).matmul(tensor([[5], [6]])).array()].join(": "));
  }`;

const files: Record<string, string> = {
  "package.json": '{ "name": "page", "type": "module" }',
  "index.html": '<script type="module" src="page.js"></script>',
  "page.js": shown["page.js"],
  "engine.js": shown["engine.js"],
  "twice.html": '<script type="module" src="begin.js"></script>',
  "begin.js": shown["page.js"].replace("engine.js", "twice.js"),
  "twice.js": twice,
};

let folder: string;
let browser: Browser;
let site: Site;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "elbo-page-"));
  const packed = execFileSync("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], { encoding: "utf8" }).trim();
  const elbo = join(folder, "node_modules/elbo");
  mkdirSync(elbo, { recursive: true });
  execFileSync("tar", ["-xzf", join(folder, packed), "-C", elbo, "--strip-components", "1"]);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  await build({
    root: folder,
    base: "./",
    configFile: false,
    logLevel: "silent",
    worker: { format: "es" }, // twice.js waits as it loads
    build: { rolldownOptions: { input: ["index.html", "twice.html"].map((name) => join(folder, name)) } },
  });
  browser = await chromium.launch(browserLaunch());
  site = await serve(join(folder, "dist"), { isolated: isolation });
});
afterAll(async () => {
  await browser?.close();
  await site?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** The first lines that a page prints. */
async function printed(path: string, count: number): Promise<string[]> {
  const page = await browser.newPage();
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    page.on("pageerror", reject);
    page.on("console", (message) => {
      if (message.type() === "error") reject(new Error(message.text()));
      else if (lines.push(message.text()) === count) resolve();
    });
    page.goto(site.url("isolated", path)).catch(reject);
  }).finally(() => page.close());
  return lines;
}

test("the example of docs/browser.md prints what it promises [wasm]", async () => {
  const promised = [...shown["page.js"].matchAll(/^\/\/ (.*)$/gm)].map(([, line]) => line);
  expect(await printed("index.html", promised.length)).toEqual(promised);
});

test("threads run the minified text, and the file [wasm]", async () => {
  expect(await printed("twice.html", 2)).toEqual(["SIMD on 2 threads: 17,39", "SIMD on 2 threads: 17,39"]);
});

test("nothing of Node is in the bundle, and the whole engine is smaller than 300 KB", () => {
  const texts = readdirSync(join(folder, "dist/assets")).map((name) => readFileSync(join(folder, "dist/assets", name), "utf8"));
  for (const text of texts) expect(text).not.toMatch(/browser-external|\b(?:from|import)\s*\(?["'`]node:/);
  expect(Math.max(...texts.map((text) => text.length))).toBeLessThan(300_000);
});
