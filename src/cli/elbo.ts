#!/usr/bin/env node
// The `elbo` command: finds the subcommand, reads its arguments, runs it. Exit codes: 0 done, 1 failed, 2 the command line is wrong,
// 128 + n ended by signal n (130 after Ctrl-C).

import { readFileSync } from "node:fs";
import { type Command, columns, helpText, nearest, parse, UsageError } from "./options.ts";
import { handleSignals } from "./stop.ts";
import { forStderr, note, print } from "./terminal.ts";

handleSignals(); // before anything that takes time is loaded

const LOADERS: Readonly<Record<string, () => Promise<Command>>> = {
  train: async () => (await import("./commands/train.ts")).train,
  sample: async () => (await import("./commands/sample.ts")).sample,
  reconstruct: async () => (await import("./commands/reconstruct.ts")).reconstruct,
  traverse: async () => (await import("./commands/traverse.ts")).traverse,
  manifold: async () => (await import("./commands/manifold.ts")).manifold,
  interpolate: async () => (await import("./commands/interpolate.ts")).interpolate,
  attribute: async () => (await import("./commands/attribute.ts")).attribute,
  neighbours: async () => (await import("./commands/neighbours.ts")).neighbours,
  evaluate: async () => (await import("./commands/evaluate.ts")).evaluate,
  cluster: async () => (await import("./commands/cluster.ts")).cluster,
  map: async () => (await import("./commands/map.ts")).map,
  embed: async () => (await import("./commands/embed.ts")).embed,
  impute: async () => (await import("./commands/impute.ts")).impute,
  anomaly: async () => (await import("./commands/anomaly.ts")).anomaly,
  check: async () => (await import("./commands/check.ts")).check,
  devices: async () => (await import("./commands/devices.ts")).devices,
};

let speaker = "elbo";

async function main([first, ...rest]: readonly string[]): Promise<void> {
  if (first === undefined) throw new UsageError(`a command is missing: ${Object.keys(LOADERS).join(", ")}; elbo --help`);
  if (first === "--version") return print(version());
  if (first === "help" && rest.length > 0) return main([rest[0], "--help"]);
  if (first === "--help" || first === "-h" || first === "help") return print(await overview());
  if (!Object.hasOwn(LOADERS, first)) {
    const near = nearest(first, Object.keys(LOADERS));
    const what = first.startsWith("-") ? "option" : "command";
    throw new UsageError(`unknown ${what} ${first}; ${near ? `did you mean ${near}?` : "elbo --help lists what there is"}`);
  }
  speaker = `elbo ${first}`;
  const command = await LOADERS[first]();
  const values = parse(command, rest);
  if (values === "help") return print(helpText(command));
  await command.run(values);
}

async function overview(): Promise<string> {
  const commands = await Promise.all(Object.values(LOADERS).map((load) => load()));
  return [
    "Trains variational autoencoders, and draws with them.",
    "usage: elbo COMMAND [options]; elbo COMMAND --help says more",
    columns(commands.map(({ name, summary }) => [name, summary])),
    columns([
      ["NO_COLOR=1", "in the environment: no colour"],
      ["ELBO_DEBUG=1", "in the environment: shows where in the code an error arose"],
    ]),
  ].join("\n\n");
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return version;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const message = error instanceof Error ? error.message : `${error}`;
  note(`${forStderr("red", `${speaker}:`)} ${message.replace(/^train: /, "")}`); // the library's function has the command's name
  if (process.env["ELBO_DEBUG"]) console.error(error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
