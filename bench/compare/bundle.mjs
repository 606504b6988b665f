// What a browser loads for a page that trains a dense VAE, bundled and minified by Vite as the library's own documentation has it imported.
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

/** By the page's file. */
const PAGES = {
  "elbo.js": "Elbo",
  "jax-js.js": "jax-js",
  "tfjs.js": "tfjs (webgpu)",
  "tfjs-core.js": "tfjs (webgpu), core alone",
  "tfjs-wasm.js": "tfjs (wasm)",
};

/** @typedef {import("./install.mjs").Size} Size @param {(line: string) => void} log @param {string} filter @returns {Promise<Size[]>} */
export async function bundles(log, filter) {
  const found = [];
  for (const [page, engine] of Object.entries(PAGES)) {
    if (!`bundle, ${engine}`.includes(filter)) continue;
    log(`bundle, ${engine}`);
    found.push({ engine, ...(await bundled(page).catch((error) => ({ error: `${error.message}`.split("\n")[0] }))) });
  }
  return found;
}

/** @param {string} page */
async function bundled(page) {
  const { build } = await import("vite");
  const folder = await mkdtemp(join(tmpdir(), "elbo-bundle-"));
  try {
    await build({
      root: here("pages"),
      configFile: false,
      logLevel: "silent",
      resolve: {
        alias: [
          { find: /^elbo$/, replacement: here("../../dist/index.js") },
          { find: /^elbo\/(vae|data)$/, replacement: here("../../dist/$1/index.js") },
        ],
      },
      worker: { format: "es" },
      build: {
        outDir: folder,
        assetsInlineLimit: 0,
        modulePreload: false,
        rolldownOptions: { input: here(`pages/${page}`), preserveEntrySignatures: "strict" }, // a page would call what it exports
      },
    });
    const files = readdirSync(folder, { recursive: true }).map(String);
    const loaded = files.filter((file) => [".js", ".mjs", ".wasm"].includes(extname(file)));
    const contents = loaded.map((file) => readFileSync(join(folder, file)));
    const sum = (/** @type {number[]} */ sizes) => sizes.reduce((a, b) => a + b, 0);
    return {
      files: loaded.length,
      bytes: sum(contents.map((c) => c.length)),
      gzip: sum(contents.map((c) => gzipSync(c, { level: 9 }).length)),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
