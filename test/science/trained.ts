// Trains by the command and reads its last line: what the tests here have in common. Data: ELBO_DATA, or ../shared/data.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { built, start } from "../setup/cli.ts";

const data = resolve(process.env["ELBO_DATA"] ?? "../shared/data");
const cwd = mkdtempSync(join(tmpdir(), "elbo-science-"));
beforeAll(built);
afterAll(() => rmSync(cwd, { recursive: true }));

/** The folder of a data set; undefined, and it is said, where there is none. */
export function dataFolder(name: string): string | undefined {
  const folder = join(data, name);
  if (existsSync(folder)) return folder;
  console.log(`${name}: skipped, for there is no ${folder}; name the folder that holds it in ELBO_DATA`);
  return undefined;
}

/** Test loss, in nats, of `elbo train` with these options. */
export async function trained(folder: string, ...options: readonly string[]): Promise<number> {
  const began = performance.now();
  const { code, stdout, stderr } = await start({ cwd }, "train", "--data", folder, ...options, "--json").ended;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const end = JSON.parse(stdout.trim().split("\n").at(-1)!);
  const { loss, reconstruction, kl } = end.test;
  const terms = `${loss.toFixed(2)} = reconstruction ${reconstruction.toFixed(2)} + KL ${kl.toFixed(2)}`;
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(`${basename(folder)} ${options.join(" ")}: ${terms}, in ${seconds} s on ${end.device}`);
  return loss;
}
