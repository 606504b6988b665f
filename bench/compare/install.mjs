// How much is installed and how much a page loads: bytes on disk after `npm install`, and of a page that trains a dense VAE.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const json = (/** @type {string} */ path) => JSON.parse(readFileSync(join(root, path), "utf8"));

/** What is installed to train, or for who trains nothing to compute, in Node; in brackets for which device. @type {Record<string, readonly string[]>} */
const INSTALLS = {
  Elbo: ["elbo"],
  "Elbo (webgpu)": ["elbo", "webgpu"],
  "jax-js": ["@jax-js/jax"],
  "tfjs (cpu)": ["@tensorflow/tfjs"],
  "tfjs (wasm)": ["@tensorflow/tfjs", "@tensorflow/tfjs-backend-wasm"],
  "tfjs (webgpu)": ["@tensorflow/tfjs", "@tensorflow/tfjs-backend-webgpu", "webgpu"],
  "gpu.js": ["gpu.js"],
  "ONNX Runtime": ["onnxruntime-node"],
};

/**
 * @typedef {{ engine: string, packages?: string[], bytes?: number, files?: number, gzip?: number, error?: string }} Size
 * @param {(line: string) => void} log @param {string} filter @returns {Size[]}
 */
export function installs(log, filter) {
  return Object.entries(INSTALLS)
    .filter(([engine]) => `install, ${engine}`.includes(filter))
    .map(([engine, names]) => {
      log(`install, ${engine}`);
      const folder = mkdtempSync(join(tmpdir(), "elbo-install-"));
      try {
        const packages = names.map((name) => (name === "elbo" ? packed(folder) : `${name}@${versionOf(name)}`));
        writeFileSync(join(folder, "package.json"), '{ "private": true }');
        npm(folder, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", ...packages);
        const sizes = filesIn(join(folder, "node_modules")).map((file) => statSync(file).size);
        return { engine, packages: [...names], bytes: sizes.reduce((a, b) => a + b, 0), files: sizes.length };
      } catch (error) {
        return { engine, packages: [...names], error: /** @type {Error} */ (error).message.split("\n")[0] };
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
}

/** Of the versions that are measured. @param {string} name */
const versionOf = (name) => json("bench/peers/package.json").dependencies[name] ?? json("package.json").devDependencies[name];

/** @param {string} folder */
const packed = (folder) => join(folder, npm(root, "pack", "--ignore-scripts", "--silent", "--pack-destination", folder).trim());

/** @param {string} cwd @param {string[]} args */
const npm = (cwd, ...args) => execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });

/** @param {string} folder */
const filesIn = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
