// npm run bench [-- NAME… [--filter TEXT] [--json FILE] [options of that bench]]
// Runs the benches named, or those of Elbo alone, and writes bench/results/NAME.json. A part of a bench is written only where --json says.
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as conv from "./conv.mjs";
import * as cpu from "./cpu.mjs";
import * as kernels from "./kernels.mjs";
import * as ladder from "./ladder.mjs";
import { load, machine } from "./machine.mjs";
import * as mine from "./mine.mjs";
import * as overhead from "./overhead.mjs";
import * as peers from "./peers.mjs";
import { table } from "./report/overhead.mjs";
import * as training from "./training.mjs";

/**
 * @typedef {Record<string, any>} Values of the options, by name
 * @typedef {{ title: string, argument?: string, options: Record<string, { type: "string", default: string }>, needsGpu: boolean, besideOthers?: boolean, objection(values: Values): string | undefined,
 *   isWhole(found: any, values: Values): boolean, run(values: any): Promise<object>, tables(file: any): Record<string, string> }} Bench
 */

/** @type {Record<string, Bench>} */
const benches = {
  overhead: { ...overhead, needsGpu: true, tables: (file) => ({ overhead: table(file) }) },
  cpu: { ...cpu, needsGpu: false, besideOthers: true },
  conv: { ...conv, needsGpu: false, besideOthers: true },
  kernels: { ...kernels, needsGpu: true },
  ladder: { ...ladder, needsGpu: true },
  mine: { ...mine, needsGpu: true },
  training: { ...training, needsGpu: true },
  peers: { ...peers, needsGpu: true, besideOthers: true },
};
const alone = Object.keys(benches).filter((name) => !benches[name].besideOthers && !benches[name].argument);
const beside = Object.keys(benches).filter((name) => benches[name].besideOthers);
const usage = `usage: npm run bench [-- NAME… [--filter TEXT] [--json FILE] [options of that bench]]

${Object.entries(benches)
  .map(([name, { title, argument = "", options }]) => {
    const own = Object.entries(options).map(([option, { default: value }]) => `--${option} ${value}`);
    return `  ${name.padEnd(12)} ${title}\n${" ".repeat(15)}${[argument, ...own].join(" ").trim()}`;
  })
  .join("\n")}

Without a NAME: ${alone.join(", ")}, which take minutes and install nothing. The others run beside other libraries, which they fetch first.
`;

/** @param {string} path */
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const { names, argument, json, filter, given } = parsed();
const hasAdapter = () => spawnSync(process.execPath, [here("has-adapter.mjs")], { stdio: "ignore" }).status === 0;
if (names.every((name) => !benches[name].needsGpu) || process.env["ON_TEST_DRIVER"] || hasAdapter()) {
  for (const name of names) await run(name);
  if (names === alone) console.log(`not run, because they are beside other libraries: ${beside.join(", ")}; name them`);
  process.exit(); // Dawn's threads would keep the process
} else {
  // A machine without a GPU driver: the same again, on the software driver that the tests use.
  const again = [here("../scripts/with-driver.mjs"), process.execPath, ...process.argv.slice(1)];
  const child = spawn(process.execPath, again, { stdio: "inherit", env: { ...process.env, ON_TEST_DRIVER: "1" } });
  child.on("exit", (code) => process.exit(code ?? 1));
}

/** @param {string} name */
async function run(name) {
  const bench = benches[name];
  const values = { ...valuesOf(name, given), argument, filter };
  const before = machine();
  const found = await bench.run({ ...values, log: console.error });
  const file = { bench: name, machine: { ...before, loadAfter: load() }, ...found };
  for (const text of Object.values(bench.tables(file))) console.log(text);
  const target = json ?? (bench.isWhole(found, values) ? here(`results/${name}.json`) : undefined);
  if (target) writeFileSync(target, `${JSON.stringify(file, undefined, 2)}\n`);
  console.log(target ? `written to ${relative(".", target)}` : "a part of the bench, so not written; --json FILE writes it");
}

/** The options of a bench, as given or by default. @param {string} name @param {Values} given */
function valuesOf(name, given) {
  return Object.fromEntries(Object.entries(benches[name].options).map(([option, { default: value }]) => [option, given[option] ?? value]));
}

function parsed() {
  try {
    const own = Object.values(benches).flatMap(({ options }) => Object.keys(options));
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        ...Object.fromEntries(own.map((name) => [name, { type: /** @type {const} */ ("string") }])),
        filter: { type: "string", default: "" },
        json: { type: "string" },
        help: { type: "boolean" },
      },
    });
    const { filter, json, help, ...given } = values;
    const argument = positionals[0] && benches[positionals[0]]?.argument ? positionals.splice(1) : [];
    const unknown = positionals.find((name) => !(name in benches));
    if (unknown) throw new Error(`there is no bench "${unknown}"`);
    const names = positionals.length ? positionals : alone;
    for (const name of names) {
      const strange = Object.keys(given).find((option) => !(option in benches[name].options));
      if (strange) throw new Error(`${name} has no --${strange}; name the bench that it is meant for`);
      const objection = benches[name].objection({ ...valuesOf(name, given), argument });
      if (objection) throw new Error(objection);
    }
    if (json && positionals.length !== 1) throw new Error("--json takes the results of one bench; name it");
    if (!help) return { names, argument, filter, json, given };
    console.log(usage);
    process.exit(0);
  } catch (error) {
    console.error(`bench: ${/** @type {Error} */ (error).message}\n\n${usage}`);
    process.exit(2);
  }
}
