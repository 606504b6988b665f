// What the command says when a training has ended: where everything is, and what to do with it, in words that can be typed.

import { existsSync } from "node:fs";
import { basename, join, relative, sep } from "node:path";
import { PICTURES } from "./epoch-pictures.ts";
import { clock } from "./progress.ts";

export function farewell(out: string, stopped: boolean, milliseconds: number): string {
  const pictures = PICTURES.map((file) => join(out, file)).filter((path) => existsSync(path));
  const elbo = called();
  const run = forShell(out);
  return [
    `${stopped ? "stopped" : "done"} after ${clock(milliseconds)}; losses are in nats per image`,
    `  run       ${out}`,
    ...(pictures.length > 0 ? [`  pictures  ${pictures.join(", ")}`] : []),
    `go on with`,
    ...(stopped ? [`  ${elbo} train --resume ${run}`] : []),
    `  ${elbo} sample ${run} --count 100 --seed 2`,
    `  ${elbo} reconstruct ${run}`,
    `  ${elbo} traverse ${run}`,
  ].join("\n");
}

/** How to try again from the last end of an epoch, with a tenth of a constant learning rate. */
export function resumeCommand(out: string, lr: string): string {
  const rate = Number.isFinite(Number(lr)) ? Number((Number(lr) / 10).toPrecision(6)).toExponential() : "LOWER";
  return `${called()} train --resume ${forShell(out)} --lr ${rate}`;
}

const forShell = (path: string): string => (/[^\w./-]/.test(path) ? `"${path}"` : path);

/** The words that started this command. */
function called(): string {
  const script = process.argv[1];
  if (basename(script) === "elbo.js") return `node ${relative("", script)}`;
  return script.includes(`node_modules${sep}.bin`) ? "npx elbo" : "elbo";
}
