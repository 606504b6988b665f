// What the command line may say: declared once, and every message follows from the declaration.
import { describe, expect, test } from "vitest";
import { type Command, choice, command, flag, helpText, nearest, parse, real, sizes, text, UsageError, whole } from "../src/cli/options.ts";

const brew: Command = command({
  name: "brew",
  summary: "makes a pot of tea",
  operands: { pot: "what to make it in" },
  options: {
    leaves: choice(["green", "black"], { default: "green", help: "what goes in" }),
    minutes: whole({
      min: 1,
      max: 10,
      default: 3,
      help: "how long to wait, which depends on the leaves, on the water, and on who will drink it",
    }),
    strength: real({ accepts: (x) => x > 0, wanted: "a number above 0", default: 0.5, help: "grams" }),
    cups: sizes({ default: [2, 2], help: "sizes of the cups" }),
    label: text("TEXT", { default: undefined, shownDefault: "none", help: "what to write on it" }),
    milk: flag({ help: "first" }),
  },
  examples: ["elbo brew old --milk"],
  run: async () => {},
});
const standard = { leaves: "green", minutes: 3, strength: 0.5, cups: [2, 2], label: undefined, milk: false, pot: "old" };

test("an option that is not given has its default", () => {
  expect(parse(brew, ["old"])).toEqual(standard);
});

test("values are read as what they are declared to be, before or after the operands, and the last one counts", () => {
  const given = ["--minutes", "5", "old", "--milk", "--leaves=black", "--strength", "1e-2", "--cups", "3,4,5", "--label=-x", "--minutes=7"];
  expect(parse(brew, given)).toEqual({ leaves: "black", minutes: 7, strength: 0.01, cups: [3, 4, 5], label: "-x", milk: true, pot: "old" });
});

test.each([
  [["old", "--minute", "3"], "unknown option --minute; did you mean --minutes?"],
  [["old", "--mintues", "3"], "unknown option --mintues; did you mean --minutes?"],
  [["old", "--strength-of-tea=3"], "unknown option --strength-of-tea; did you mean --strength?"],
  [["old", "--sugar"], "unknown option --sugar; elbo brew --help lists them"],
  [["old", "-m", "3"], "unknown option -m; elbo brew --help lists them"],
  [["old", "--__proto__=1"], "unknown option --__proto__; elbo brew --help lists them"],
  [["old", "--minutes"], "--minutes needs a value: a whole number from 1 to 10"],
  [["old", "--minutes", "--milk"], "--minutes needs a value: a whole number from 1 to 10"],
  [["old", "--minutes", "-1"], '--minutes "-1" is not a whole number from 1 to 10'],
  [["old", "--minutes", "11"], '--minutes "11" is not a whole number from 1 to 10'],
  [["old", "--minutes", "1.5"], '--minutes "1.5" is not a whole number from 1 to 10'],
  [["old", "--minutes", "0x5"], '--minutes "0x5" is not a whole number from 1 to 10'],
  [["old", "--minutes="], '--minutes "" is not a whole number from 1 to 10'],
  [["old", "--strength", "0"], '--strength "0" is not a number above 0'],
  [["old", "--strength", "1e999"], '--strength "1e999" is not a number above 0'],
  [["old", "--strength", "NaN"], '--strength "NaN" is not a number above 0'],
  [["old", "--cups", "1,,2"], '--cups "1,,2" is not a whole number from 1 to 100000, or several with commas between'],
  [["old", "--leaves", "Black"], '--leaves "Black" is not one of green, black'],
  [["old", "--label", ""], '--label "" is not a word'],
  [["old", "--milk=yes"], '--milk takes no value, but "yes" was given'],
  [["old", "new"], 'unexpected argument "new"; elbo brew --help'],
  [[], "POT is missing: what to make it in; elbo brew --help"],
])("%j is refused in one line that says what would do", (args, message) => {
  expect(() => parse(brew, args)).toThrow(new UsageError(message));
});

test("--help anywhere asks for help, whatever else is wrong", () => {
  for (const args of [["--help"], ["-h"], ["old", "--minutes", "0", "--help"]]) expect(parse(brew, args)).toBe("help");
});

describe("the help", () => {
  const help = helpText(brew);

  test("names every option with its values and its default", () => {
    for (const words of [
      "usage: elbo brew POT [options]",
      "--leaves green|black",
      "(default: green)",
      "--cups N[,N...]",
      "(default: 2,2)",
    ]) {
      expect(help).toContain(words);
    }
    expect(help).toMatch(/--label TEXT +what to write on it \(default: none\)/);
    expect(help).toMatch(/--milk +first\n/); // a flag has no default worth a word
  });

  test("loses no word when it folds long lines", () => {
    expect(Math.max(...help.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(help.replace(/\s+/g, " ")).toContain("how long to wait, which depends on the leaves, on the water, and on who will drink it");
  });
});

test("the name that was meant is found by its beginning, by a letter or two, or not at all", () => {
  const names = ["epochs", "batch", "lr", "limit", "seed"];
  const meant = (given: string) => nearest(given, names);
  expect(["epoch", "batch-size", "limits", "sede", "bacth"].map(meant)).toEqual(["epochs", "batch", "limit", "seed", "batch"]);
  expect(["x", "rate", "workers", ""].map(meant)).toEqual([undefined, undefined, undefined, undefined]);
});
