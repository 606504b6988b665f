// Convolutions see more in pictures than dense layers do, in as many epochs.
import { expect, test } from "vitest";
import { dataFolder, trained } from "./trained.ts";

const folder = dataFolder("fashion-mnist");
const minutes = { timeout: 30 * 60_000 };

test.skipIf(!folder)("fashion-mnist: after 5 epochs the loss of conv28 is below that of the dense model", minutes, async () => {
  const dense = await trained(folder as string, "--epochs", "5");
  const conv28 = await trained(folder as string, "--epochs", "5", "--model", "conv28");
  expect(conv28).toBeLessThan(dense);
});
