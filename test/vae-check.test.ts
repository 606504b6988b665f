// The self-check: that it passes here, that what it calls known is so, and that it fails where something is wrong.
import { afterEach, describe, expect, test, vi } from "vitest";
import { check } from "../src/cli/commands/check.ts";
import { EXACT, klToPosterior, logEvidence, OFF, SCALE, X } from "../src/vae/check/linear.ts";
import { doublyReparameterized, plain } from "../src/vae/check/plain.ts";
import { type Checked, checked, checkObjective, type Finding, selfCheck } from "../src/vae/check.ts";
import { dreg, elbo, likelihoodNames, type Objective, objectiveNames } from "../src/vae/index.ts";
import { onEachDevice } from "./setup/each-device.ts";

const told: Finding[] = [];
vi.mock(import("../src/vae/index.ts"), async (original) => ({
  ...(await original()),
  selfCheck: async function* () {
    yield* told; // what the command is to print; the tests of the check itself import it from its own file
  },
}));

const all = async (findings: AsyncIterable<Finding>): Promise<Finding[]> => {
  const list: Finding[] = [];
  for await (const finding of findings) list.push(finding);
  return list;
};

describe("the self-check", () => {
  onEachDevice("passes", async () => {
    const findings = await all(selfCheck());
    expect(findings.filter(({ holds }) => !holds)).toEqual([]);
    for (const name of likelihoodNames)
      expect(
        findings.some(({ what }) => what.startsWith(name)),
        name,
      ).toBe(true);
  });

  test("leaves out no objective of the list", () => {
    expect(new Set(checked.map(({ objective }) => objective.name))).toEqual(new Set(objectiveNames));
  });

  const wrong = (change: (o: Objective) => Objective, of: Checked): Checked => ({ ...of, objective: change(of.objective) });
  const [vae] = checked;
  const importance = checked.find(({ objective }) => objective.name === "iwae")!;
  const scaledBy =
    (factor: number) =>
    (o: Objective): Objective => ({
      ...o,
      terms: (...args) => ({ ...o.terms(...args), loss: o.terms(...args).loss.mul(factor) }),
    });
  for (const [title, of, holds] of [
    ["a hidden beta", wrong(() => elbo({ beta: 1.001 }), vae), [false, false]],
    ["a loss that is averaged over dimensions", wrong(scaledBy(1 / 5), vae), [false, false]],
    [
      "a loss that forgets a constant, whose gradient is right",
      { ...vae, loss: (n, x, e) => plain.elbo(1)(n, x, e) + 0.01 },
      [false, true],
    ],
    ["more free bits", wrong(() => elbo({ freeBits: 0.5 }), checked[2]), [false, true]],
    [
      "the plain gradient where the doubly reparameterized one should be",
      { ...importance, gradient: doublyReparameterized },
      [true, false],
    ],
    ["and the other way round", { ...importance, objective: dreg({ samples: importance.samples }) }, [true, false]],
  ] as [string, Checked, boolean[]][]) {
    test(`notices ${title} [js]`, async () => {
      expect((await all(checkObjective(of))).map((f) => f.holds)).toEqual(holds);
      expect((await all(checkObjective(importance))).map((f) => f.holds)).toEqual([true, true]);
    });
  }

  test("its evidence is the integral of p(x|z) · p(z) over all z", () => {
    const normal = (x: number, mean: number, s: number) => Math.exp(-0.5 * ((x - mean) / s) ** 2) / (s * Math.sqrt(2 * Math.PI));
    const step = 0.2; // of a smooth function that ends at 0 the plain sum is good to many digits
    const at = Array.from({ length: 61 }, (_, i) => (i - 30) * step);
    for (const x of X.slice(0, 2)) {
      let sum = 0;
      for (const z0 of at) {
        for (const z1 of at) {
          for (const z2 of at) {
            let density = normal(z0, 0, 1) * normal(z1, 0, 1) * normal(z2, 0, 1);
            x.forEach((v, d) => {
              density *= normal(v, EXACT.b[d] + z0 * EXACT.W[0][d] + z1 * EXACT.W[1][d] + z2 * EXACT.W[2][d], SCALE);
            });
            sum += density * step ** 3;
          }
        }
      }
      expect(logEvidence(x)).toBeCloseTo(Math.log(sum), 6);
    }
  });

  test("its exact encoder is exact, and the other one is not", () => {
    for (const x of X) {
      expect(klToPosterior(EXACT, x)).toBe(0);
      expect(klToPosterior(OFF, x)).toBeGreaterThan(0.1);
      const noise = [[[0.3, -1, 2]]];
      expect(plain.iwae()(EXACT, [x], noise)).toBeCloseTo(-logEvidence(x), 10); // for any noise
      expect(plain.iwae()(OFF, [x], noise)).not.toBeCloseTo(-logEvidence(x), 2);
    }
  });
});

describe("elbo check", () => {
  afterEach(() => {
    vi.restoreAllMocks();
    told.length = 0;
    process.exitCode = undefined;
  });

  async function printed(findings: readonly Finding[], json: boolean) {
    told.push(...findings);
    const lines: string[] = [];
    vi.spyOn(process.stdout, "write").mockImplementation((text) => lines.push(String(text)) > 0);
    vi.spyOn(process.stderr, "write").mockImplementation(() => true);
    await check.run({ device: "js", threads: undefined, turbo: false, json });
    return { lines, code: process.exitCode };
  }
  const good: Finding = { what: "two", expected: 2, found: 2.00001, relation: "equal", allowed: 1e-4, holds: true };
  const bad: Finding = { what: "three", expected: 3, found: 2.5, relation: "at most", allowed: 1e-4, holds: false };

  test("says what was expected and what was found [js]", async () => {
    const { lines, code } = await printed([good], false);
    expect(lines[1]).toMatch(/^ok +two +2 +2\.00001 +1\.0e-4/);
    expect(lines[2]).toMatch(/^all 1 hold on js/);
    expect(code).toBeUndefined();
  });

  test("fails if anything does not hold [js]", async () => {
    const { lines, code } = await printed([good, bad], false);
    expect(lines[2]).toMatch(/WRONG +three +<= 3 +2\.5/);
    expect(lines[3]).toMatch(/1 of 2 do not hold on js/);
    expect(code).toBe(1);
  });

  test("with --json is one object a line [js]", async () => {
    const { lines, code } = await printed([good, bad], true);
    expect(lines.map((text) => JSON.parse(text))).toEqual([good, bad, { checked: 2, wrong: 1, device: "js" }]);
    expect(code).toBe(1);
  });
});
