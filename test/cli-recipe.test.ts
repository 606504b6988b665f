// What a training is told where its user says nothing, by how many images there are.
import { expect, test } from "vitest";
import { sizedFor } from "../src/cli/recipe.ts";

const unsaid = { epochs: undefined, batch: undefined };

test.each([
  [60_000, 10, 128],
  [10_000, 10, 128],
  [9_999, 11, 128],
  [1_279, 79, 64],
  [320, 313, 32],
  [48, 1000, 16],
  [5, 1000, 5],
])("%i images are shown %i times, %i a step", (count, epochs, batch) => {
  const { settings, line } = sizedFor(unsaid, count);
  expect(settings).toEqual({ epochs, batch });
  const said = [...(epochs === 10 ? [] : [`--epochs ${epochs}`]), ...(batch === 128 ? [] : [`--batch ${batch}`])].join(" ");
  expect(line).toBe(said ? `${count} images, where nothing else is said: ${said}` : undefined);
});

test("what is said is left as it is, and not repeated", () => {
  expect(sizedFor({ epochs: 3, batch: 7 }, 20)).toEqual({ settings: { epochs: 3, batch: 7 } });
  expect(sizedFor({ epochs: 3, batch: undefined }, 320).line).toBe("320 images, where nothing else is said: --batch 32");
});
