// node bench/carry.mjs FOLDER: puts together what gpu-host.mjs needs on a machine without npm: the built project, the benches, and of the
// packages of the peers what runs in Node on Linux. The packages webgpu, benchmark and gpu.js are left to who packs the folder.
import { cpSync, existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "bench/peers/node_modules");

/** Of a package that ships itself many times over, what Node loads; of others all but types and maps. @type {[string, RegExp][]} */
const NEEDED = [
  ["@tensorflow/", /^package\.json$|^dist\/tf[\w-]*\.node\.js$|^wasm-out\/|^dist\/[\w-]*\.wasm$/],
  ["@jax-js/", /^package\.json$|^dist\/[\w.-]*\.js$/],
  ["onnxruntime-node", /^package\.json$|^dist\/[\w.-]*\.js$|^bin\/napi-v\d+\/linux\/x64\//],
  ["", /^(?!.*(\.map|\.d\.[cm]?ts|\.md)$)/],
];

const [folder, ...more] = process.argv.slice(2);
if (!folder || more.length > 0 || existsSync(folder)) {
  console.error(`usage: node bench/carry.mjs FOLDER${folder && existsSync(folder) ? `, which is not there yet; ${folder} is` : ""}`);
  process.exit(2);
}
try {
  for (const path of ["package.json", "dist"]) cpSync(join(root, path), join(folder, path), { recursive: true, filter: isNoMap });
  cpSync(join(root, "bench"), join(folder, "bench"), {
    recursive: true,
    filter: (path) => isNoMap(path) && basename(path) !== "node_modules",
  });
  for (const name of packages()) copyPackage(name);
  console.log(`${folder}: ${Math.round(sizeOf(folder) / 2 ** 20)} MiB`);
} catch (error) {
  rmSync(folder, { recursive: true, force: true });
  throw error;
}

/** @param {string} path */
function isNoMap(path) {
  return !/\.map$|\.d\.ts$|bench\/results/.test(path);
}

/** Those that are installed, with their scopes. */
function packages() {
  if (!existsSync(modules)) throw new Error("carry: the peers are not installed; npm ci --ignore-scripts --prefix bench/peers");
  return readdirSync(modules).flatMap((name) => {
    if (name.startsWith(".")) return [];
    return name.startsWith("@") ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`) : [name];
  });
}

/** @param {string} name */
function copyPackage(name) {
  const from = join(modules, name);
  const needed = NEEDED.find(([prefix]) => name.startsWith(prefix))?.[1];
  const filter = (/** @type {string} */ path) => statSync(path).isDirectory() || needed?.test(relative(from, path)) === true;
  cpSync(from, join(folder, "bench/peers/node_modules", name), { recursive: true, filter });
}

/** @param {string} path @returns {number} */
function sizeOf(path) {
  const facts = statSync(path);
  return facts.isDirectory() ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0) : facts.size;
}
