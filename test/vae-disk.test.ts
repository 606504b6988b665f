// A disk that fails while a run is saved: the error tells what happened where, and the older run is still whole.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { denseVae } from "../src/vae/index.ts";
import { loadRun, saveRun } from "../src/vae/run.node.ts";

/** Which call of node:fs fails from now on, with which error. */
const failing = vi.hoisted(() => ({ call: "", code: "", message: "" }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const guarded = (call: "openSync" | "writeFileSync" | "fsyncSync" | "renameSync") => {
    const real = fs[call] as (...args: unknown[]) => unknown;
    return (...args: unknown[]) => {
      if (call === failing.call) throw Object.assign(new Error(failing.message), { code: failing.code });
      return real(...args);
    };
  };
  const calls = ["openSync", "writeFileSync", "fsyncSync", "renameSync"] as const;
  return { ...fs, ...Object.fromEntries(calls.map((call) => [call, guarded(call)])) };
});

const root = mkdtempSync(join(tmpdir(), "elbo-disk-"));
afterAll(() => rmSync(root, { recursive: true }));

for (const [name, call, code, message] of [
  ["is full", "writeFileSync", "ENOSPC", "ENOSPC: no space left on device, write"],
  ["is full when it comes to writing it out", "fsyncSync", "ENOSPC", "ENOSPC: no space left on device, fsync"],
  ["is read-only", "openSync", "EROFS", "EROFS: read-only file system, open"],
  ["gets lost before the renaming", "renameSync", "EIO", "EIO: i/o error, rename"],
] as const) {
  test(`a disk that ${name}`, async () => {
    const dir = join(root, call);
    const model = denseVae({ input: 4, hidden: 3, latent: 2, seed: 1 });
    await saveRun(dir, { model });
    Object.assign(failing, { call, code, message });
    const save = saveRun(dir, { model: denseVae({ input: 4, hidden: 5, latent: 2, seed: 2 }) });
    await expect(save).rejects.toThrow(new RegExp(`${call}/metrics.jsonl: could not be (written|replaced): ${message}`));
    failing.call = "";
    expect((await loadRun(dir)).config.model["seed"]).toBe(1);
    if (call !== "renameSync") expect(readdirSync(dir).length).toBe(3); // nothing half-written is left
    await saveRun(dir, { model });
    expect(readdirSync(dir).length).toBe(3);
  });
}
