// The engine on the wasm device in an isolated page: threaded in a worker, so that the page stays responsive, or on one
// thread on the page itself. Pages without isolation, and with a strict policy, are in ../pages.test.ts.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Device, open, type Values } from "../../src/index.ts";
import { inWorker } from "./engine.ts";
import { checkClose, names, results } from "./ops.ts";
import { losses } from "./training.ts";

const cores = Math.min(8, navigator.hardwareConcurrency);
const threadsOf = (count: number) => (count === 1 ? "one thread" : `${count} threads`);

describe("a worker of the page [wasm]", () => {
  test("has all cores", async () => {
    expect(await inWorker("open", "wasm", {})).toContain(`wasm: SIMD on ${threadsOf(cores)}`);
  });

  test("trains on two threads as on one and as on the page, bit for bit", async () => {
    const [first, ...others] = await inWorker("losses", { threads: 2 }, 30);
    expect(others.at(-1)).toBeLessThan(0.8 * first);
    expect(await inWorker("losses", { threads: 1 }, 30)).toEqual([first, ...others]);
    await using _ = await open("wasm");
    expect(await losses(30, { hidden: 100 })).toEqual([first, ...others]);
  });

  // The worker trains without a pause until the page has drawn so many frames, so the test ends only if both go on at once.
  test("leaves the page free: it draws while the worker trains", async () => {
    const frames = new Int32Array(new SharedArrayBuffer(4));
    let drawing = true;
    const draw = () => {
      Atomics.add(frames, 0, 1);
      if (drawing) requestAnimationFrame(draw);
    };
    draw();
    try {
      expect(await inWorker("trainWhile", { threads: 2 }, frames, 30)).toBeGreaterThan(0);
    } finally {
      drawing = false;
    }
  });

  test("without SharedArrayBuffer has one thread, and says why there are no more", async () => {
    expect(await inWorker("open", "wasm", {}, "SharedArrayBuffer")).toContain("wasm: SIMD on one thread");
    await expect(inWorker("open", "wasm", { threads: 2 }, "SharedArrayBuffer")).rejects.toThrow(
      /open: 2 threads are not to be had: memory is not shared between threads here; a page needs the headers .*; use threads: 1$/,
    );
  });

  test("hears nothing of a thread that ends, and does not wait for it for ever", async () => {
    await expect(inWorker("lose", { threads: 2, patience: 50, limit: 200 })).rejects.toThrow(
      "DeviceLostError: wasm: 1 of 2 threads did not come for 0.2 s: ended, or kept from running; open the device again",
    );
  });
});

describe("every op [wasm]", () => {
  let js: Device;
  let wasm: Device;
  let threaded: Record<string, Values[]>;
  beforeAll(async () => {
    js = await open("js");
    wasm = await open("wasm");
    threaded = await inWorker("results", { threads: 2 });
  });
  afterAll(async () => {
    await js.close();
    await wasm.close();
  });

  for (const name of names) {
    test(`${name} agrees with js, and two threads in a worker with one on the page`, async () => {
      const got = await results(name, wasm);
      expect(threaded[name]).toEqual(got);
      checkClose(got, await results(name, js));
    });
  }
});
