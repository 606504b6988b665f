// The examples in the README print what they say they print.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const readme = readFileSync("README.md", "utf8");
const examples = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1] as string);

/** Behind a console.log, or on lines of their own after it. */
const promised = (code: string): string[] =>
  code
    .split("\n")
    .filter((line) => /^\/\/ \d|console\.log.*\/\/ /.test(line))
    .map((line) => line.slice(line.lastIndexOf("// ") + 3));

test("the first example has fourteen lines, with what they print", () => {
  expect(examples[0]?.split("\n").filter((line) => line)).toHaveLength(14);
});

test.each(examples)("an example prints what it promises [wasm]", { timeout: 60_000 }, (code) => {
  const folder = mkdtempSync(resolve(".readme-"));
  try {
    // inside the package, where "elbo" is the package itself
    writeFileSync(join(folder, "example.mjs"), code);
    const printed = execFileSync(process.execPath, [join(folder, "example.mjs")], {
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
    });
    expect(printed.trim().split("\n")).toEqual(promised(code));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
