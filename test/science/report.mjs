// Writes docs/science.md once more, from the results that there are.
import { fileURLToPath } from "node:url";
import { experiments } from "./experiments/list.mjs";
import { PAGE, page, RESULTS } from "./page.mjs";
import { readResults, writeWhole } from "./results.mjs";

const here = (/** @type {string} */ path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
writeWhole(here(PAGE), page(experiments, readResults(here(RESULTS))));
console.log(`${PAGE} is written`);
