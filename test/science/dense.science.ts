// The dense VAE learns what others measured: the losses of PyTorch's VAE example, which is the same model, data and training.
// Ten epochs take the wasm device a minute or so. Data: ELBO_DATA, or ../shared/data.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { built, start } from "../setup/cli.ts";

const data = resolve(process.env["ELBO_DATA"] ?? "../shared/data");
const cwd = mkdtempSync(join(tmpdir(), "elbo-science-"));
beforeAll(built);
afterAll(() => rmSync(cwd, { recursive: true }));

// Test loss in nats, by PyTorch's example: MNIST 105.72, 105.64, 105.79; Fashion-MNIST 244.4, 244.7, 244.0 (seeds 1 to 3).
const known = [
  { name: "mnist", seeds: [1], loss: 105.7, within: 0.6 },
  { name: "fashion-mnist", seeds: [1, 2, 3], loss: 244.4, within: 1 },
];

for (const { name, seeds, loss, within } of known) {
  const folder = join(data, name);
  const missing = !existsSync(folder);
  if (missing) console.log(`${name}: skipped, for there is no ${folder}; name the folder that holds it in ELBO_DATA`);
  const what = seeds.length > 1 ? `mean loss of ${seeds.length} seeds` : "loss";
  test.skipIf(missing)(
    `${name}: the ${what} after 10 epochs is ${loss} ± ${within} nats`,
    { timeout: seeds.length * 30 * 60_000 },
    async () => {
      const losses: number[] = [];
      for (const seed of seeds) losses.push(await trained(name, folder, seed));
      const got = losses.reduce((sum, x) => sum + x, 0) / losses.length;
      console.log(`${name}: ${got.toFixed(2)} nats (${losses.map((x) => x.toFixed(2)).join(", ")}), known ${loss} ± ${within}`);
      expect(Math.abs(got - loss), `${got} nats`).toBeLessThanOrEqual(within);
    },
  );
}

/** Test loss of `elbo train` as it is without options. */
async function trained(name: string, folder: string, seed: number): Promise<number> {
  const began = performance.now();
  const { code, stdout, stderr } = await start({ cwd }, "train", "--data", folder, "--seed", `${seed}`, "--json").ended;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const end = JSON.parse(stdout.trim().split("\n").at(-1)!);
  const { loss, reconstruction, kl } = end.test;
  const terms = `${loss.toFixed(2)} = reconstruction ${reconstruction.toFixed(2)} + KL ${kl.toFixed(2)}`;
  console.log(`${name}, seed ${seed}: ${terms}, in ${((performance.now() - began) / 1000).toFixed(0)} s on ${end.device}`);
  return loss;
}
