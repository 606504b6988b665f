// Turns every src/**/NAME.wgsl into NAME.wgsl.ts, a module whose default export is the text, so that tsc, Node and every
// bundler read kernels the same way. It does not look into the text: linking kernels is the library's work, at run time.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const src = fileURLToPath(new URL("../src/", import.meta.url));

/** Writes the modules whose text has changed, removes those whose kernel is gone; the names of both. */
export function embed() {
  const changed = [];
  const files = readdirSync(src, { recursive: true, encoding: "utf8" });
  for (const file of files.filter((name) => name.endsWith(".wgsl"))) {
    const text = readFileSync(src + file, "utf8").replaceAll("\r\n", "\n");
    const module = `// Generated from the kernel beside it by scripts/embed.mjs.\nconst wgsl: string = ${quoted(text)};\nexport default wgsl;\n`;
    const target = `${src}${file}.ts`;
    if (existsSync(target) && readFileSync(target, "utf8") === module) continue; // an untouched file triggers no rebuild
    writeFileSync(target, module);
    changed.push(file);
  }
  for (const file of files.filter((name) => name.endsWith(".wgsl.ts") && !existsSync(src + name.slice(0, -3)))) {
    rmSync(src + file, { force: true });
    changed.push(file);
  }
  return changed;
}

/** As a template literal, so that the generated module reads like the kernel. @param {string} text */
function quoted(text) {
  return `\`${text.replace(/[\\`]|\$\{/g, "\\$&")}\``;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) embed();
