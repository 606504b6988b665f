// elbo devices: what programs can run on here, and why not on the rest.

import { describe, isSoftware, requireAdapter } from "../kernels/devices/webgpu/adapter.ts";
import { forCommand, openDevice } from "./device.ts";
import { type Command, columns, command } from "./options.ts";
import { print } from "./terminal.ts";

export const devices: Command = command({
  name: "devices",
  summary: "lists what can compute here, and says why the rest cannot",
  operands: {},
  options: {},
  examples: [],
  async run() {
    await using chosen = await openDevice("auto");
    await using js = await openDevice("js");
    const rows = [
      ["webgpu", await webgpu()],
      ["js", `${js.description}; runs anywhere`],
      ["auto", `takes ${chosen.name}`],
    ];
    print(columns(rows));
  },
});

const COMPUTING = /subgroup|f16|timestamp|immediate/; // the other features are about drawing

/** The adapter and its features, or why there is none. */
async function webgpu(): Promise<string> {
  try {
    const adapter = await requireAdapter();
    const software = isSoftware(adapter) ? "; computes on the CPU, so auto passes it over" : "";
    const features = [...adapter.features].filter((name) => COMPUTING.test(name)).sort();
    return `${describe(adapter)}${software}; features: ${features.join(", ") || "none"}`;
  } catch (error) {
    return `not here: ${forCommand(error as Error)}`;
  }
}
