// node bench/gpu-host.mjs [FILE]: everything to ask of a machine with a GPU, in one command: what the adapter offers, whether every
// kernel is right on it, and then the benches of overhead and of kernels. It needs dist/, bench/, package.json and the packages webgpu and
// benchmark, no more. The answers are written to FILE (default bench/results/gpu-host.json) as they come; exit 1 if a kernel is wrong.
import { writeFileSync } from "node:fs";
import { create, globals } from "webgpu";
import { isSoftware, registerGpu, requireAdapter } from "../dist/kernels/devices/webgpu/adapter.js";
import * as kernels from "./kernels.mjs";
import { adapterFacts, load, machine, plain } from "./machine.mjs";
import * as overhead from "./overhead.mjs";
import { table } from "./report.mjs";
import { verify } from "./verify.mjs";

const [file = "bench/results/gpu-host.json"] = process.argv.slice(2);
Object.assign(globalThis, globals);
const held = { plain: create([]), unsafe: create(["enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia"]) };
registerGpu(async () => held.plain);

const about = machine();
const adapter = await requireAdapter();
const unsafe = await held.unsafe.requestAdapter({ powerPreference: "high-performance" });
const facts = {
  isSoftware: isSoftware(adapter),
  ...adapterFacts(adapter),
  limits: plain(adapter.limits),
  withUnsafeApis: unsafe && adapterFacts(unsafe),
};
console.log(JSON.stringify(facts, undefined, 2));
if (facts.isSoftware) console.log("This is a software driver: what follows is a rehearsal, and measures no GPU.");
write({});

const wrong = await verify(console.log).catch((error) => [error.stack]); // a kernel that does not compile ends it, with its line
for (const line of wrong) console.log(`WRONG ${line}`);
write({ wrong });

const measured = { bench: "overhead", ...(await overhead.run({ filter: "", log: console.log })) };
const results = { ...measured, machine: { ...about, loadAfter: load() } };
console.log(table(results));
write({ wrong, overhead: results });

const timed = { bench: "kernels", ...(await kernels.run({ device: "webgpu", filter: "", log: console.log })) };
const single = { ...timed, machine: { ...about, loadAfter: load() } };
console.log(kernels.tables(single)["kernels"]);
write({ wrong, overhead: results, kernels: single });
process.exit(wrong.length + single.wrong.length > 0 ? 1 : 0);

/** @param {object} answers */
function write(answers) {
  writeFileSync(file, `${JSON.stringify({ machine: about, adapter: facts, ...answers }, undefined, 2)}\n`);
}
