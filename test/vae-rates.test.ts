// Learning rates as a text says them: what they are at each step, and what is refused.
import { describe, expect, test } from "vitest";
import { tensor } from "../src/index.ts";
import { denseVae, readRate } from "../src/vae/index.ts";
import { onEachDevice } from "./setup/each-device.ts";

const STEPS_PER_EPOCH = 10;

/** The rates after so many steps. */
async function rates(text: string, steps: readonly number[]): Promise<number[]> {
  const rate = readRate("--lr", text).rate(STEPS_PER_EPOCH);
  return typeof rate === "number" ? steps.map(() => rate) : [...(await rate(tensor([...steps])).data())];
}

describe("a written rate", () => {
  const cosine = (part: number) => 0.01 + (0.1 - 0.01) * ((1 + Math.cos(Math.PI * part)) / 2);
  const cases: [string, number[], number[]][] = [
    ["2e-3", [0, 7], [2e-3, 2e-3]],
    ["cosine:0.1-1e-2:20", [0, 5, 20, 99], [0.1, cosine(1 / 4), 0.01, 0.01]],
    [
      "cosine:0.1-1e-2:20x2",
      [0, 5, 19, 20, 25, 39, 40, 99],
      [0.1, cosine(1 / 4), cosine(19 / 20), 0.1, cosine(1 / 4), cosine(19 / 20), 0.01, 0.01],
    ],
    ["cosine:0.1-1e-2:2x3ep", [25], [cosine(1 / 4)]],
    ["cosine:0.1-1e-2:2ep", [5], [cosine(1 / 4)]],
    ["linear:0-1:4", [0, 1, 4, 5], [0, 0.25, 1, 1]],
    ["linear:1-0:1-3ep", [10, 15, 30], [1, 0.75, 0]],
    ["steps:1-0.01:3,5", [0, 2, 3, 4, 5, 1e6], [1, 1, 0.1, 0.1, 0.01, 0.01]],
    ["STEPS:1-0.25:.5ep", [4, 5], [1, 0.25]],
  ];
  for (const [text, steps, expected] of cases)
    onEachDevice(text, async () => {
      const found = await rates(text, steps);
      found.forEach((rate, i) => {
        expect(rate).toBeCloseTo(expected[i], 6);
      });
    });

  test("says the schedule of importance-weighted autoencoders: 10^(-i/7) / 1000 for 3^i epochs, to the last of 3280", async () => {
    const expected = Array.from({ length: 8 }, (_, i) => Array.from({ length: 3 ** i }, () => 1e-3 * 10 ** (-i / 7))).flat();
    expect(expected.length).toBe(3280);
    const all = await rates(
      "steps:1e-3-1e-4:1,4,13,40,121,364,1093ep",
      expected.map((_, epoch) => epoch * STEPS_PER_EPOCH),
    );
    all.forEach((rate, epoch) => {
      expect(rate / expected[epoch]).toBeCloseTo(1, 6);
    });
  });

  test.each([
    ["often", '--lr "often" is not a number above 0; cosine:FROM-TO:STEPS'],
    ["0", "is not a number above 0"],
    ["1e999", "is not a number above 0"],
    ["cosine:1-0:3-4", "is not a number above 0"],
    ["cosine:1-0:4x0", "is not a number above 0"],
    ["linear:1-0:4x2", "is not a number above 0"],
    ["linear:1-0:3-4-5", "is not a number above 0"],
    ["steps:1-0.1:4-9", "is not a number above 0"],
    ["steps:1-0.1:4,,9", "stages: ends at step 0, but begins at step 4"],
    ["cosine:1-0:0", '--lr "cosine:1-0:0": it ends at step 0, where it begins'],
    ["linear:0-1:9-3", '--lr "linear:0-1:9-3": ramp: ends at step 3, but begins at step 9'],
    ["steps:1-0:4", '--lr "steps:1-0:4": a rate that falls by factors is above 0'],
    ["steps:1-0.1:4,4", "stages: ends at step 4, but begins at step 4"],
  ])("%s is refused", (text, message) => {
    expect(() => readRate("--lr", text)).toThrow(message);
  });
});

test("weights by Glorot's rule are within √(6/(fanIn + fanOut)), nearly up to it, and biases 0", async () => {
  using model = denseVae({ input: 40, hidden: 24, latent: 3, init: "glorot", activation: "tanh" });
  for (const [name, t] of model.parameters) {
    const most = Math.max(...(await t.data()).map(Math.abs));
    const bound = Math.sqrt(6 / t.shape.reduce((a, b) => a + b, 0));
    expect(most / bound, name).toBeLessThanOrEqual(name.endsWith("bias") ? 0 : 1);
    if (name.endsWith("weight")) expect(most / bound, name).toBeGreaterThan(0.9);
  }
});
