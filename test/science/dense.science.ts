// The dense VAE learns what others measured: the losses of PyTorch's VAE example, which is the same model, data and training.
// Ten epochs take the wasm device a minute or so.
import { expect, test } from "vitest";
import { dataFolder, trained } from "./trained.ts";

// Test loss in nats, by PyTorch's example: MNIST 105.72, 105.64, 105.79; Fashion-MNIST 244.4, 244.7, 244.0 (seeds 1 to 3).
const known = [
  { name: "mnist", seeds: [1], loss: 105.7, within: 0.6 },
  { name: "fashion-mnist", seeds: [1, 2, 3], loss: 244.4, within: 1 },
];

for (const { name, seeds, loss, within } of known) {
  const folder = dataFolder(name);
  const what = seeds.length > 1 ? `mean loss of ${seeds.length} seeds` : "loss";
  test.skipIf(!folder)(
    `${name}: the ${what} after 10 epochs is ${loss} ± ${within} nats`,
    { timeout: seeds.length * 30 * 60_000 },
    async () => {
      const losses: number[] = [];
      for (const seed of seeds) losses.push(await trained(folder as string, "--seed", `${seed}`));
      const got = losses.reduce((sum, x) => sum + x, 0) / losses.length;
      console.log(`${name}: ${got.toFixed(2)} nats (${losses.map((x) => x.toFixed(2)).join(", ")}), known ${loss} ± ${within}`);
      expect(Math.abs(got - loss), `${got} nats`).toBeLessThanOrEqual(within);
    },
  );
}
