// npm test: builds, checks types, package and style, and runs the tests in Node and in Chromium, both on the software driver from npm.
// Arguments go to vitest (`npm test -- matmul`); with --quick only the tests run.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const quick = process.argv.includes("--quick");
const args = process.argv.slice(2).filter((arg) => arg !== "--quick");

/** @param {string[]} command  a script and its arguments @param {Record<string, string>} [env] */
const node = (command, env) => spawnSync(process.execPath, command, { stdio: "inherit", env: { ...process.env, ...env } }).status === 0;

/** @type {string[]} */
const problems = [];
if (!quick) {
  const built = node(["scripts/build.mjs"]);
  if (!built) problems.push("the build failed");
  if (built && !node(["node_modules/typescript/bin/tsc"])) problems.push("the types do not check");
  if (built && !node(["node_modules/publint/src/cli.js", "--strict", "--pack", "false"])) problems.push("the package is not whole");
  if (!node(["node_modules/@biomejs/biome/bin/biome", "check"])) problems.push("style: see above, `npm run format` mends most of it");
}

const folder = mkdtempSync(join(tmpdir(), "elbo-test-"));
const file = join(folder, "counts.json");
const passed = node(["node_modules/vitest/vitest.mjs", "run", ...args], { TEST_COUNTS: file });

/** @type {import("../test/setup/devices.ts").Counts | undefined} */
const counts = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
rmSync(folder, { recursive: true });
if (!counts) problems.push("vitest ended before it had run the tests");
else {
  if (!passed && counts.failed === 0) problems.push("vitest reported an error");
  if (args.length === 0) {
    // A run that seems to pass because it had no driver, or no threads, is worse than one that fails.
    for (const device of ["js", "wasm", "webgpu", "chromium"]) if (!counts.devices[device]) problems.push(`no test ran on ${device}`);
  }
}

for (const problem of problems) console.log(`FAILED: ${problem}`);
const { passed: good, failed, skipped, devices, adapters } = counts ?? { passed: 0, failed: 0, skipped: 0, devices: {}, adapters: {} };
const ran = Object.entries(devices).filter(([, count]) => count > 0);
const list = ran.map(([device, count]) => `${device}${adapters[device] ? ` (${adapters[device]})` : ""} ${count}`);
console.log(`devices: ${list.join(", ") || "none"}`);
console.log(`${good} passed, ${failed + problems.length} failed${skipped ? `, ${skipped} skipped` : ""}`);
if (failed + problems.length > 0) process.exit(1);
