// What a page loads needs no Node: the three entries for any platform reach no Node module and no package.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

/** Statements, of which the last line names the module, and calls. */
const IMPORT = /^(?:import|(?:import|export|\}).* from) "([^"]+)";$|\bimport\("([^"]+)"\)/gm;

/** Every file that one file leads to, with what they import from elsewhere. */
function reached(entry: string): { files: Set<string>; foreign: string[] } {
  const files = new Set<string>();
  const foreign: string[] = [];
  const stack = [entry];
  for (let file = stack.pop(); file; file = stack.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    const code = readFileSync(file, "utf8").replace(/^\s*\/\/.*$/gm, "");
    for (const [, stated, called] of file.endsWith(".wgsl.ts") ? [] : code.matchAll(IMPORT)) {
      const name = stated ?? called;
      if (name.startsWith(".")) stack.push(join(dirname(file), name));
      else foreign.push(`${file} imports ${name}`);
    }
  }
  return { files, foreign };
}

test.each(["src/index.ts", "src/vae/index.ts", "src/data/index.ts"])(
  "%s leads to the project's own files only, none of them Node's",
  (entry) => {
    const { files, foreign } = reached(entry);
    expect(foreign).toEqual([]);
    expect([...files].filter((file) => file.endsWith(".node.ts") || file === "src/node.ts" || file.startsWith("src/cli/"))).toEqual([]);
    expect([...files].filter((file) => !existsSync(file))).toEqual([]);
    expect(files.size).toBeGreaterThan(4);
  },
);

test("and the walk would see one: Node's own entry leads there", () => {
  expect(reached("src/node.ts").foreign.join()).toMatch(/imports webgpu|imports node:/);
});
