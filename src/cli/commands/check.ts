// elbo check: whether the losses, their gradients and the likelihoods are right on a device, against what is known in closed form.

import { type Finding, selfCheck } from "../../vae/index.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { type Command, command, flag } from "../options.ts";
import { forStdout, note, print } from "../terminal.ts";

export const check: Command = command({
  name: "check",
  summary: "checks losses and gradients here, on a linear VAE whose evidence is known",
  operands: {},
  options: { ...deviceOptions, json: flag({ help: "print one JSON object per line: each thing checked, then the end" }) },
  examples: ["elbo check --device wasm"],
  async run({ json, ...settings }) {
    await using device = await openDevice(settings);
    note(`device: ${device.name}, ${device.description}`);
    if (!json) print(row("", "checked", "expected", "found", "allowed"));
    let checked = 0;
    let wrong = 0;
    for await (const finding of selfCheck()) {
      checked++;
      if (!finding.holds) wrong++;
      print(json ? JSON.stringify(finding) : line(finding));
    }
    if (wrong > 0) process.exitCode = 1;
    if (json) print(JSON.stringify({ checked, wrong, device: device.name }));
    else
      print(
        `${wrong === 0 ? `all ${checked} hold` : forStdout("red", `${wrong} of ${checked} do not hold`)} on ${device.name}; nats per example. ${CHANCE}`,
      );
  },
});

const CHANCE = "Allowed is the rounding of f32, and of averages over drawn latents four standard errors.";

function line({ what, expected, found, relation, allowed, holds }: Finding): string {
  const text = row(holds ? "ok" : "WRONG", what, `${relation === "at most" ? "<= " : ""}${shown(expected)}`, shown(found), shown(allowed));
  return holds ? text : forStdout("red", text);
}

const row = (mark: string, what: string, expected: string, found: string, allowed: string): string =>
  `${mark.padEnd(5)}  ${what.padEnd(50)} ${expected.padStart(11)} ${found.padStart(11)} ${allowed.padStart(9)}`;

/** Six digits, as many as an f32 may have right. */
const shown = (x: number): string => (Math.abs(x) < 1e-3 && x !== 0 ? x.toExponential(1) : x.toPrecision(6).replace(/\.?0+$/, ""));
