// Counts the tests by the device that ran them and leaves the counts in the file TEST_COUNTS, for scripts/test.mjs.
// A test in Node names its device in its own title or in that of a `describe`: "matmul [webgpu]", "matmul [webgpu, tiled]". driver.test.ts names the adapters.
import { writeFileSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  devices: Record<string, number>;
  adapters: Record<string, string>;
}

declare module "vitest" {
  interface TaskMeta {
    adapter?: string;
  }
}

export default class Devices implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const file = process.env["TEST_COUNTS"];
    if (!file) return;
    const devices: Record<string, number> = { js: 0, wasm: 0, webgpu: 0, chromium: 0, "no device": 0 };
    const counts: Counts = { passed: 0, failed: errors.length, skipped: 0, devices, adapters: {} };
    for (const module of modules) {
      counts.failed += module.errors().length; // a file that does not load has no tests to fail
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        counts[state === "pending" ? "failed" : state]++; // pending still: its worker died
        const name = device(module, test.fullName);
        const { adapter } = test.meta();
        if (adapter) counts.adapters[name] = adapter;
        if (state !== "skipped") devices[name]!++;
      }
    }
    writeFileSync(file, JSON.stringify(counts));
  }
}

function device(module: TestModule, title: string) {
  if (module.project.name === "chromium") return "chromium";
  return /\[(js|wasm|webgpu)\b/.exec(title)?.[1] ?? "no device";
}
