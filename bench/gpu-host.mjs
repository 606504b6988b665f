// node bench/gpu-host.mjs [FILE] [--only NAME,…] [--filter TEXT] [--rounds N] [--seconds N]: everything to ask of a machine with a GPU, in one
// command: what the adapter offers, whether every kernel is right on it, and then the benches, PyTorch on CUDA among them. It needs dist/,
// bench/, package.json and the packages webgpu and benchmark, no more; `node bench/carry.mjs` puts together what it can use besides.
// The answers are written to FILE (default bench/results/gpu-host.json) as they come, beside those that an earlier command at the same commit
// left there; exit 1 if a kernel is wrong or a bench failed.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { create, globals } from "webgpu";
import { isSoftware, registerGpu, requireAdapter } from "../dist/kernels/devices/webgpu/adapter.js";
import * as kernels from "./kernels.mjs";
import * as ladder from "./ladder.mjs";
import { adapterFacts, load, machine, plain } from "./machine.mjs";
import * as overhead from "./overhead.mjs";
import * as peers from "./peers.mjs";
import * as precision from "./precision.mjs";
import { table } from "./report/overhead.mjs";
import * as training from "./training.mjs";
import { verify } from "./verify.mjs";
import { verifyF16 } from "./verify-f16.mjs";

/** In order, each with what it is asked for beside the filter. The peers are asked once unless `rounds` says otherwise: modes of PyTorch compile for long. */
const BENCHES = {
  kernels: { ...kernels, values: { device: "webgpu", size: "auto" } },
  training: { ...training, values: { device: "webgpu" } },
  precision: { ...precision, values: {} },
  peers: { ...peers, values: { device: "cuda" } },
  ladder: { ...ladder, values: { device: "webgpu", size: "" } },
  overhead: { ...overhead, tables: (/** @type {any} */ file) => ({ overhead: table(file) }), values: {} },
};
const names = /** @type {(keyof typeof BENCHES)[]} */ (Object.keys(BENCHES));

const { file, only, filter, rounds, seconds } = parsed();
Object.assign(globalThis, globals);
const toggles = ["enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia", "disable-dawn-features=timestamp_quantization"];
const held = { plain: create([]), unsafe: create(toggles) };
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

/** @type {Record<string, any>} */
const answers = { ...earlier(), machine: about, adapter: facts };
write();
if (only.includes("verify")) {
  answers["wrong"] = await verify(console.log).catch((error) => [error.stack]); // a kernel that does not compile ends it, with its line
  answers["wrong"].push(...(await inF16(() => verifyF16(console.log)).catch((error) => [error.stack])));
  for (const line of answers["wrong"]) console.log(`WRONG ${line}`);
  write();
}
for (const name of names.filter((name) => only.includes(name))) await ask(name);
process.exit(process.exitCode ?? (answers["wrong"]?.length > 0 ? 1 : 0));

/** One bench; if it fails, the others are asked all the same. @param {keyof typeof BENCHES} name */
async function ask(name) {
  const { values, ...bench } = BENCHES[name];
  const given = { ...values, filter, ...(rounds && { rounds }), ...(seconds && { seconds: seconds }), log: console.log };
  const start = { ...about, loadBefore: load() };
  try {
    const settings = /** @type {any} */ ({ ...given, ...(name !== "peers" && seconds && { seconds: Number(seconds) }) });
    const asked = async () => bench.run(settings);
    const found = await (name === "precision" ? inF16(asked) : asked());
    answers[name] = { bench: name, machine: { ...start, loadAfter: load() }, ...found };
    for (const text of Object.values(bench.tables(answers[name]))) console.log(text);
  } catch (error) {
    console.log(`${name} failed: ${/** @type {Error} */ (error).stack}`);
    process.exitCode = 1;
  }
  write();
}

/** With what Dawn offers only when asked to: f16 on NVIDIA, tensor cores, and a clock that is not rounded. @template T @param {() => Promise<T>} work */
async function inF16(work) {
  registerGpu(async () => held.unsafe);
  try {
    return await work();
  } finally {
    registerGpu(async () => held.plain);
  }
}

/** What the file has already, unless it is of another state of the project or of another adapter. */
function earlier() {
  if (!existsSync(file)) return {};
  const found = JSON.parse(readFileSync(file, "utf8"));
  const isSame = found.machine?.commit === about.commit && found.adapter?.info?.description === facts.info["description"];
  return isSame ? found : {};
}

function write() {
  writeFileSync(file, `${JSON.stringify(answers, undefined, 2)}\n`);
}

function parsed() {
  const all = ["verify", ...names];
  const usage = `usage: node bench/gpu-host.mjs [FILE] [--only ${all}] [--filter TEXT] [--rounds N] [--seconds N]`;
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        only: { type: "string", default: all.join() },
        filter: { type: "string", default: "" },
        rounds: { type: "string", default: "1" },
        seconds: { type: "string" },
      },
    });
    const only = values.only.split(",");
    const strange = only.find((name) => !all.includes(name));
    if (strange !== undefined) throw new Error(`there is no "${strange}"; there are ${all.join(", ")}`);
    const [file = "bench/results/gpu-host.json"] = positionals;
    return { ...values, file, only };
  } catch (error) {
    console.error(`gpu-host: ${/** @type {Error} */ (error).message}\n${usage}`);
    process.exit(2);
  }
}
