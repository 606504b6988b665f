// npm run test:science [-- --only NAME,… | --list | --again NAME,…]: does the experiments and writes what they found.
import { rmSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { open } from "elbo/node";
import { machine } from "../../bench/machine.mjs";
import { experiments } from "./experiments/list.mjs";
import { forget } from "./forget.mjs";
import { PAGE, page, RESULTS } from "./page.mjs";
import { chosen, listed } from "./plan.mjs";
import { readResults, writeWhole } from "./results.mjs";
import { runAll } from "./runner.mjs";
import { tools } from "./tools.mjs";

const usage = `usage: npm run test:science [-- options]

  --list               what there is, what is done, and how long the rest may take
  --only NAME[,NAME]   these alone; some are run only so
  --again NAME[,NAME]  forget what these have found, with their trainings, and do them again
  --tiny               all with a few images and epochs, to see that it works; nothing of it is kept with the results
  --device NAME        auto, webgpu, wasm or js (default: auto)
  --threads N          of wasm

Data sets are folders in ELBO_DATA, or in ../shared/data. Ctrl-C saves and stops; the same command goes on. The exit code is 1 if a figure misses its
tolerance.
`;

const EVERY = 60_000; // milliseconds between two lines on how it goes, where a line cannot be drawn over

const root = fileURLToPath(new URL("../..", import.meta.url));
const asked = parsed();
const scratch = join(root, "runs", asked.tiny ? "science-tiny" : "science"); // both are ignored by git
const path = asked.tiny ? join(scratch, "results.json") : join(root, RESULTS);
const data = resolve(root, process.env["ELBO_DATA"] ?? "../shared/data");

if (asked.list) {
  console.log(listed(experiments, readResults(path)));
} else {
  if (asked.tiny) rmSync(scratch, { recursive: true, force: true });
  forget({ path, scratch }, asked.again);
  process.exitCode = await run(chosen(experiments, [...asked.only, ...asked.again]));
  if (!asked.tiny) {
    writeWhole(join(root, PAGE), page(experiments, readResults(path)));
    console.log(`${relative(".", join(root, PAGE))} is written`);
  }
  process.exit(); // Dawn's threads would keep the process
}

/** @param {readonly import("./experiment.mjs").Experiment[]} some */
async function run(some) {
  const { device, threads, tiny } = asked;
  const stop = new AbortController();
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  function interrupt() {
    if (stop.signal.aborted) process.exit(130);
    console.error("\nstopping after this step; once more to stop at once");
    stop.abort();
  }
  const opened = await open(/** @type {"auto"} */ (device), threads === undefined ? {} : { threads: Number(threads) });
  const options = ["--device", opened.name, ...(threads === undefined ? [] : ["--threads", threads])];
  const folderOf = (/** @type {string} */ name) => join(data, name);
  const where = { folderOf, scratch, device: options, isTiny: tiny, signal: stop.signal };
  if (tiny) console.log("tiny: figures mean nothing, and misses are none");
  const code = await runAll(some, {
    ...{ path, folderOf, signal: stop.signal },
    session: { device: `${opened.name}, ${opened.description}`, machine: machine() },
    print: (line) => console.log(line),
    live: process.stderr.isTTY ? (line) => void process.stderr.write(`\r\x1b[K${line}`) : sometimes(),
    toolsFor: (report) => tools(where, report),
  });
  return tiny && code === 1 ? 0 : code;
}

function sometimes() {
  let told = performance.now();
  return (/** @type {string} */ line) => {
    if (!line || performance.now() - told < EVERY) return;
    told = performance.now();
    console.error(line);
  };
}

function parsed() {
  try {
    const { values } = parseArgs({
      options: {
        ...{ list: { type: "boolean", default: false }, tiny: { type: "boolean", default: false }, help: { type: "boolean" } },
        ...{ only: { type: "string", default: "" }, again: { type: "string", default: "" } },
        ...{ device: { type: "string", default: "auto" }, threads: { type: "string" } },
      },
    });
    const names = (/** @type {string} */ text) => text.split(",").filter(Boolean);
    const [only, again] = [names(values.only), names(values.again)];
    chosen(experiments, [...only, ...again]); // an unknown name is said before anything is done
    if (again.length > 0 && values.tiny) throw new Error("--again and --tiny: what is tiny is not remembered");
    if (values.threads !== undefined && !/^[1-9]\d*$/.test(values.threads))
      throw new Error(`--threads ${values.threads}: a whole number is needed`);
    if (!values.help) return { ...values, only, again };
    console.log(usage);
    process.exit(0);
  } catch (error) {
    console.error(`test:science: ${/** @type {Error} */ (error).message}\n\n${usage}`);
    process.exit(2);
  }
}
