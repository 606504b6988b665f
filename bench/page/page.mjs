// The page: climbs a ladder, and judges a kernel that is written in it. What runs, verifies and times is the same as in Node.
import { climb } from "../ladder/climb.mjs";
import { openGpu } from "../ladder/gpu.mjs";
import { ladders, own } from "../ladder/rungs.mjs";
import { usual, workOf } from "../ladder/work.mjs";
import { chart, rows } from "./chart.mjs";
import { sample } from "./sample.mjs";

/** @typedef {import("../ladder/climb.mjs").Entry} Entry @typedef {import("../ladder/rungs.mjs").Rung} Rung */

const at = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const field = (/** @type {string} */ id) => /** @type {HTMLSelectElement | HTMLInputElement | HTMLTextAreaElement} */ (at(id));
const buttons = () => document.querySelectorAll("button");
const YOURS = "yours.wgsl";

const gpu = await openGpu().catch((error) => {
  at("device").textContent = `${error.message} The ladder on the processor needs none.`;
  return undefined;
});
if (gpu)
  at("device").textContent =
    `${gpu.description}${gpu.isSoftware ? ", a driver in software; the rungs stand in the order that suits GPUs" : ""}`;
const context = { gpu, read: (/** @type {URL} */ url) => fetch(url).then((answer) => answer.text()) };

const chosen = () => ladders[field("ladder").value];
const onGpu = (/** @type {Rung} */ { device }) => device === "webgpu";
/** Entries so far, of one ladder at one size. @type {Entry[]} */
let entries = [];

for (const [name, { title, rungs }] of Object.entries(ladders)) {
  if (gpu || !rungs.some(onGpu)) field("ladder").append(new Option(title, name, false, name === "matmul"));
}
field("ladder").onchange = choose;
field("size").onchange = forget;
field("rung").onchange = begin;
choose();

function choose() {
  const { work, size, rungs } = chosen();
  field("size").value = size ?? usual[work][gpu?.isSoftware ? "software" : "hardware"];
  const files = rungs.filter((rung) => onGpu(rung) && rung.url);
  field("rung").replaceChildren(...files.map(({ name }) => new Option(name)));
  at("judge").hidden = files.length === 0;
  at("claim").textContent = `It claims to compute ${work}, of the size above, and binds what the rungs bind.`;
  forget();
  if (files.length > 0) begin();
}

async function begin() {
  const rung = chosen().rungs.find(({ name }) => name === field("rung").value);
  if (rung?.url) field("kernel").value = await context.read(rung.url);
}

function forget() {
  entries = [];
  show();
}

function show() {
  const { unit } = workOf(chosen().work, usual[chosen().work].software);
  at("chart").replaceChildren(...(entries.some(({ perSecond }) => perSecond) ? [chart(entries, unit, ({ rung }) => rung === YOURS)] : []));
  at("table").replaceChildren(...(entries.length > 0 ? rows(entries, unit) : []));
}

/** Climbs these rungs, and shows each as it is found. @param {readonly Rung[]} rungs */
async function run(rungs) {
  for (const button of buttons()) button.disabled = true;
  at("refused").hidden = true;
  try {
    const work = workOf(chosen().work, field("size").value);
    at("status").textContent = work.title;
    for await (const entry of climb(rungs, work, context, sample)) {
      if (entry.wrong) refuse(entry.wrong);
      if (!entry.wrong || entry.rung !== YOURS) entries.push(entry);
      show();
      await new Promise((resolve) => setTimeout(resolve)); // the page draws
    }
    at("status").textContent = `${work.title}: done`;
  } catch (error) {
    refuse(/** @type {Error} */ (error).message);
    at("status").textContent = "stopped";
  }
  for (const button of buttons()) button.disabled = false;
}

/** @param {string} why */
function refuse(why) {
  at("refused").textContent = why;
  at("refused").hidden = false;
}

at("climb").onsubmit = (event) => {
  event.preventDefault();
  entries = [];
  return run(chosen().rungs);
};

at("judge").onsubmit = (event) => {
  event.preventDefault();
  entries = entries.filter(({ rung }) => rung !== YOURS);
  const [x, y = 1, z = 1] = field("groups").value.split(",").map(Number);
  return run([own({ file: YOURS, text: field("kernel").value }, x > 0 ? [x, y, z] : undefined)]);
};
