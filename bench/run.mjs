// npm run bench [-- NAME… [--device js,webgpu] [--filter TEXT] [--json FILE]]
// Runs the benches named, or all there are, and writes bench/results/NAME.json. A part of a bench is written only where --json says.
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { load, machine } from "./machine.mjs";
import * as overhead from "./overhead.mjs";
import { table } from "./report.mjs";

/** @type {Record<string, typeof overhead>} */
const benches = { overhead };
const DEVICES = "js,webgpu";
const usage = `usage: npm run bench [-- NAME… [--device ${DEVICES}] [--filter TEXT] [--json FILE]]

${Object.entries(benches)
  .map(([name, { title }]) => `  ${name.padEnd(12)} ${title}`)
  .join("\n")}
`;

/** @param {string} path */
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const { names, device, filter, json } = parsed();
const hasAdapter = () => spawnSync(process.execPath, [here("has-adapter.mjs")], { stdio: "ignore" }).status === 0;
if (process.env["ON_TEST_DRIVER"] || hasAdapter()) {
  for (const name of names) await run(name);
  process.exit(); // Dawn's threads would keep the process
} else {
  // A machine without a GPU driver: the same again, on the software driver that the tests use.
  const again = [here("../scripts/with-driver.mjs"), process.execPath, ...process.argv.slice(1)];
  const child = spawn(process.execPath, again, { stdio: "inherit", env: { ...process.env, ON_TEST_DRIVER: "1" } });
  child.on("exit", (code) => process.exit(code ?? 1));
}

/** @param {string} name */
async function run(name) {
  const before = machine();
  const { devices, results } = await benches[name].run({ devices: device.split(","), filter, log: console.error });
  const file = { bench: name, machine: { ...before, loadAfter: load() }, devices, results };
  console.log(table(file));
  const whole = filter === "" && Object.keys(devices).join() === DEVICES;
  const target = json ?? (whole ? here(`results/${name}.json`) : undefined);
  if (target) writeFileSync(target, `${JSON.stringify(file, undefined, 2)}\n`);
  console.log(target ? `written to ${relative(".", target)}` : "a part of the bench, so not written; --json FILE writes it");
}

function parsed() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        device: { type: "string", default: DEVICES },
        filter: { type: "string", default: "" },
        json: { type: "string" },
        help: { type: "boolean" },
      },
    });
    const unknown = positionals.find((name) => !(name in benches));
    if (unknown) throw new Error(`there is no bench "${unknown}"`);
    const strange = values.device.split(",").find((name) => !DEVICES.split(",").includes(name));
    if (strange !== undefined) throw new Error(`--device "${strange}"; there are ${DEVICES}`);
    if (values.json && positionals.length !== 1) throw new Error("--json takes the results of one bench; name it");
    if (!values.help) return { ...values, names: positionals.length ? positionals : Object.keys(benches) };
    console.log(usage);
    process.exit(0);
  } catch (error) {
    console.error(`bench: ${/** @type {Error} */ (error).message}\n\n${usage}`);
    process.exit(2);
  }
}
