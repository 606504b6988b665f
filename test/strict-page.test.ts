// Where functions may not be made from text, as on pages with a strict policy, everything works all the same.
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, test } from "vitest";

const program = `
  import { grad, open, tensor } from ${JSON.stringify(`file://${resolve("dist/index.js")}`)};
  await open("js");
  const x = tensor([[1, 2], [3, 4]]);
  const y = x.mul(tensor([2, 3])).add(1).sigmoid().sum();
  console.log((await y.item()).toFixed(5), (await grad(y, [x])[0].data()).length);
`;
const run = (...flags: string[]) => execFileSync(process.execPath, [...flags, "--input-type=module", "-e", program], { encoding: "utf8" });

test("the elementwise loops need no code made from text [js]", () => {
  expect(run("--disallow-code-generation-from-strings")).toBe(run());
});
