// The built library on pages of all kinds: with and without the headers that threads need, and under a strict policy.
// Vitest's own pages are isolated and without a policy, so these come from a server of their own.
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserLaunch } from "./setup/driver.mjs";
import { type Site, serve } from "./setup/site.ts";

const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const policy = { "Content-Security-Policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'" };
const noWasm = { "Content-Security-Policy": "script-src 'self'" };
const kinds = { plain: {}, "no-wasm": noWasm, isolated: isolation, strict: policy, "strict-isolated": { ...isolation, ...policy } };
type Kind = keyof typeof kinds;

interface Question {
  readonly name?: "auto" | "wasm" | "js";
  readonly options?: object;
  /** Threads run worker.file.js. */
  readonly byFile?: boolean;
}
interface Answer {
  readonly device?: string;
  readonly line?: string;
  readonly isStrict?: boolean;
  readonly error?: string;
}
declare global {
  var onPage: (question: Question) => Promise<Answer>;
  var inWorker: typeof onPage;
}

let browser: Browser;
let site: Site;
beforeAll(async () => {
  const { args, ...launch } = browserLaunch();
  browser = await chromium.launch({ ...launch, args: args.filter((arg) => !/webgpu/.test(arg)) }); // as browsers are: no GPU in software
  site = await serve(".", kinds);
});
afterAll(async () => {
  await browser.close();
  await site[Symbol.asyncDispose]();
});

const opened = new Map<string, Promise<Page>>();

function pageOf(kind: Kind): Promise<Page> {
  const open = async () => {
    const page = await browser.newPage();
    await page.goto(site.url(kind, "test/browser/page/index.html"));
    await page.waitForFunction(() => "onPage" in globalThis);
    return page;
  };
  if (!opened.has(kind)) opened.set(kind, open());
  return opened.get(kind) as Promise<Page>;
}

/** Asks the page of that kind, or a new worker of it. */
async function ask(kind: Kind, where: "onPage" | "inWorker", question: Question = {}): Promise<Answer> {
  const page = await pageOf(kind);
  return page.evaluate(([where, question]) => globalThis[where](question), [where, { name: "wasm", options: {}, ...question }] as const);
}

const fitted = (threads: string, isStrict = false) => ({
  device: expect.stringContaining(`wasm: SIMD on ${threads}`),
  line: "2 3",
  isStrict,
});
const blobs =
  "if the page forbids workers from blobs, give the address of Elbo's worker.file.js as { workerUrl }, or ask for { threads: 1 }";

describe("a page without isolation [wasm]", () => {
  test.each(["onPage", "inWorker"] as const)(
    "%s: there is one thread; for two, the answer says which headers are missing",
    async (where) => {
      expect(await ask("plain", where)).toEqual(fitted("one thread"));
      const { error } = await ask("plain", where, { options: { threads: 2 } });
      expect(error).toMatch(
        /^open: 2 threads are not to be had: memory is not shared .*Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp; use threads: 1$/,
      );
    },
  );
});

describe("an isolated page [wasm]", () => {
  test("has one thread itself, and says where there are more", async () => {
    expect(await ask("isolated", "onPage")).toEqual(fitted("one thread"));
    const { error } = await ask("isolated", "onPage", { options: { threads: 2 } });
    expect(error).toBe(
      "open: 2 threads are not to be had: a page's main thread may not wait for others; run Elbo in a worker; use threads: 1",
    );
  });

  test("has two threads in a worker, from the text and from the file", async () => {
    expect(await ask("isolated", "inWorker", { options: { threads: 2 } })).toEqual(fitted("2 threads"));
    expect(await ask("isolated", "inWorker", { options: { threads: 2 }, byFile: true })).toEqual(fitted("2 threads"));
  });

  test("has no turbo, and says why", async () => {
    const { device, line } = await ask("isolated", "inWorker", { options: { turbo: true } });
    expect([device, line]).toEqual([expect.stringContaining("turbo off: "), "2 3"]);
  });

  test("takes wasm by itself where there is no hardware GPU", async () => {
    expect(await ask("isolated", "onPage", { name: "auto" })).toEqual(fitted(""));
    expect(await ask("isolated", "inWorker", { name: "auto" })).toEqual(fitted(""));
  });
});

describe("a page that allows no code from text and no workers from blobs [wasm]", () => {
  test("where not even WebAssembly is allowed, the answer says so, and auto takes js", async () => {
    const { error } = await ask("no-wasm", "onPage");
    expect(error).toBe(
      `open: this page's policy forbids to compile WebAssembly; script-src 'wasm-unsafe-eval' allows it, or use open("js")`,
    );
    expect(await ask("no-wasm", "onPage", { name: "auto" })).toMatchObject({ device: expect.stringMatching(/^js:/), line: "2 3" });
  });

  test("js needs no code from text", async () => {
    expect(await ask("strict", "onPage", { name: "js" })).toMatchObject({ line: "2 3", isStrict: true });
  });

  test.each(["strict", "strict-isolated"] as const)("%s: one thread, on the page", async (kind) => {
    expect(await ask(kind, "onPage")).toEqual(fitted("one thread", true));
  });

  test("two threads in a worker, from the file", async () => {
    expect(await ask("strict-isolated", "inWorker", { options: { threads: 2 }, byFile: true })).toEqual(fitted("2 threads", true));
  });

  test("without the file, threads do not start, and the answer says what does", async () => {
    const { error } = await ask("strict-isolated", "inWorker", { options: { threads: 2 } });
    expect(error).toMatch(/^wasm: thread 1 of 2 does not start: /);
    expect(error).toContain(blobs);
  });
});
