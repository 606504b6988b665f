// The charts of what benches found: which there are, and of which results file. A chart that would be empty is not drawn.
import { batchesChart } from "./batches.mjs";
import { costsChart } from "./costs.mjs";
import { drawn } from "./draw.mjs";
import { ladderChart } from "./ladder.mjs";
import { rooflineChart } from "./roofline.mjs";

/** @typedef {{ name: string, title: string, svg: string }} Chart */

/** By the bench whose results they are of. @type {Record<string, (file: any) => { name: string, title: string, subtitle?: string, spec: object }[]>} */
const charts = {
  kernels: (file) => Object.keys(file.devices).flatMap((device) => rooflineChart(file, device)),
  ladder: (file) => file.ladders.flatMap(ladderChart),
  training: (file) => [...batchesChart(file), ...costsChart(file)],
};

/** Of the results of a bench; `prefix` tells where they were measured. @param {string} bench @param {any} file @param {string} prefix @returns {Promise<Chart[]>} */
export function chartsOf(bench, file, prefix) {
  const { cpu, cores, date, commit } = file.machine;
  const measured = `${cpu}, ${cores} cores; measured ${date} at commit ${commit}`;
  const specs = (charts[bench] ?? (() => []))(file);
  return Promise.all(
    specs.map(async ({ name, title, subtitle, spec }) => {
      const lines = [...(subtitle ? [subtitle] : []), measured];
      return { name: `${prefix}${name}`, title, svg: await drawn({ ...spec, title: { text: title, subtitle: lines } }) };
    }),
  );
}
