// What a command accepts, declared once as data. From the declaration follow the parsing, the types of the values, `--help`, and the
// message for whatever does not fit.

import { parseArgs } from "node:util";
import { terminalWidth } from "./terminal.ts";

/** One option: how its text becomes a value. */
export interface Option<T> {
  readonly help: string;
  /** What `--help` shows for the value; an option without is a flag. */
  readonly placeholder?: string;
  /** The value if the option is not given, and how `--help` names it if not by itself. */
  readonly default: T;
  readonly shownDefault?: string;
  /** The value of a text, or undefined if it is none. */
  read(text: string): T | undefined;
  /** What `read` accepts, for the message when it does not. */
  readonly wanted: string;
}

type Options = Readonly<Record<string, Option<unknown>>>;
type Operands = Readonly<Record<string, string>>;
/** The values that options take. */
export type ValuesOf<O> = { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never };

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Words that must be given, by name, each with its help. */
  readonly operands: Operands;
  /** The last operand may be given again and again: `run` finds the further ones in `more`. */
  readonly repeated?: boolean;
  readonly options: Options;
  readonly examples: readonly string[];
  run(values: Readonly<Record<string, unknown>>): Promise<void>;
}

type More<R> = R extends true ? { readonly more: readonly string[] } : unknown;

/** A command whose `run` receives what its options and operands declare. */
export function command<const O extends Options, const P extends Operands, const R extends boolean = false>(
  declared: Omit<Command, "operands" | "options" | "repeated" | "run"> & {
    readonly operands: P;
    readonly repeated?: R;
    readonly options: O;
    run(values: ValuesOf<O> & { readonly [K in keyof P]: string } & More<R>): Promise<void>;
  },
): Command {
  return { ...declared, run: (values) => declared.run(values as Parameters<typeof declared.run>[0]) }; // `parse` made them by this declaration
}

/** The command line is wrong, whatever the state of the machine: exit code 2. */
export class UsageError extends Error {}

interface Described {
  readonly help: string;
  readonly shownDefault?: string;
}

export const flag = ({ help }: Described): Option<boolean> => ({ help, default: false, read: () => true, wanted: "nothing" });

export function text<const D extends string | undefined>(
  placeholder: string,
  { wanted = "a word", accepts = () => true, ...rest }: Described & { default: D; wanted?: string; accepts?: (text: string) => boolean },
): Option<string | D> {
  return { ...rest, placeholder, wanted, read: (text) => (text !== "" && accepts(text) ? text : undefined) };
}

export function choice<const C extends string>(choices: readonly C[], { ...rest }: Described & { default: NoInfer<C> }): Option<C> {
  return {
    ...rest,
    placeholder: choices.join("|"),
    wanted: `one of ${choices.join(", ")}`,
    read: (text) => choices.find((c) => c === text),
  };
}

/** A whole number from `min` to `max`. */
export function whole<const D extends number | undefined>({
  min,
  max,
  ...rest
}: Described & { default: D; min: number; max: number }): Option<number | D> {
  const read = (text: string) => {
    const x = decimal(text);
    return x !== undefined && Number.isInteger(x) && x >= min && x <= max ? x : undefined;
  };
  return { ...rest, placeholder: "N", wanted: `a whole number from ${min} to ${max}`, read };
}

/** Widths of layers: one number, or several with commas between. */
export function sizes({ default: standard, ...rest }: Described & { default: readonly number[] }): Option<readonly number[]> {
  const read = (text: string) => {
    const list = text.split(",").map(decimal);
    return list.every((x) => x !== undefined && Number.isInteger(x) && x >= 1 && x <= MAX_WIDTH) ? (list as number[]) : undefined;
  };
  const wanted = `a whole number from 1 to ${MAX_WIDTH}, or several with commas between`;
  return { shownDefault: standard.join(","), ...rest, default: standard, placeholder: "N[,N...]", wanted, read };
}
const MAX_WIDTH = 100_000;

/** A number for which `accepts` holds, which `wanted` says in words. */
export function real({
  accepts,
  ...rest
}: Described & { default: number; wanted: string; accepts: (x: number) => boolean }): Option<number> {
  const read = (text: string) => {
    const x = decimal(text);
    return x !== undefined && accepts(x) ? x : undefined;
  };
  return { ...rest, placeholder: "X", read };
}

const decimal = (text: string): number | undefined =>
  /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text)) ? Number(text) : undefined;

/** The values of a command line, or "help" where that was asked for. */
export function parse({ name, operands, options, repeated = false }: Command, args: readonly string[]): Record<string, unknown> | "help" {
  const types = Object.entries(options).map(([key, { placeholder }]) => [key, { type: placeholder ? "string" : "boolean" }] as const);
  // Not strict: Node then reports every token as it stands, and the messages can be ours.
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(types),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  if (tokens.some((t) => t.kind === "option" && (t.name === "help" || t.name === "h"))) return "help";

  const values: Record<string, unknown> = Object.fromEntries(Object.entries(options).map(([key, option]) => [key, option.default]));
  const words: string[] = [];
  const given = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const option = Object.hasOwn(options, token.name) && token.rawName.startsWith("--") ? options[token.name] : undefined;
    if (!option) {
      const near = token.rawName.startsWith("--") ? nearest(token.name, Object.keys(options)) : undefined;
      throw new UsageError(`unknown option ${token.rawName}; ${near ? `did you mean --${near}?` : `elbo ${name} --help lists them`}`);
    }
    if (!option.placeholder) {
      if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value, but "${token.value}" was given`);
      values[token.name] = true;
      given.set(token.name, "");
      continue;
    }
    // A negative number is a value that does not fit; any other dash begins the next option.
    const missing = token.value === undefined || (!token.inlineValue && token.value.startsWith("-") && decimal(token.value) === undefined);
    if (missing) throw new UsageError(`${token.rawName} needs a value: ${option.wanted}`);
    const value = option.read(token.value!);
    if (value === undefined) throw new UsageError(`${token.rawName} "${token.value}" is not ${option.wanted}`);
    values[token.name] = value;
    given.set(token.name, token.value!);
  }

  const names = Object.keys(operands);
  const [missing] = names.slice(words.length);
  if (missing) throw new UsageError(`${missing.toUpperCase()} is missing: ${operands[missing]}; elbo ${name} --help`);
  const more = repeated ? words.splice(names.length) : [];
  if (words.length > names.length) throw new UsageError(`unexpected argument "${words[names.length]}"; elbo ${name} --help`);
  const all = { ...values, ...Object.fromEntries(names.map((key, i) => [key, words[i]])), ...(repeated && { more }) };
  texts.set(all, given);
  return all;
}

const texts = new WeakMap<object, ReadonlyMap<string, string>>();

/** What was given of the options that `parse` made these values of, as it was written; of a flag "". */
export const givenIn = (values: object): ReadonlyMap<string, string> => texts.get(values) ?? new Map();

/** The text of `--help`. */
export function helpText({ name, summary, operands, options, examples, repeated = false }: Command): string {
  const rows = Object.entries(options).map(([key, option]) => {
    const { default: value, shownDefault = value } = option;
    const by = option.placeholder && shownDefault !== undefined ? ` (default: ${shownDefault})` : "";
    return [`--${key}${option.placeholder ? ` ${option.placeholder}` : ""}`, option.help + by];
  });
  rows.push(["--help", "show this text"]);
  const words = Object.entries(operands).map(([key, help]) => [key.toUpperCase(), help]);
  const again = repeated ? [`[${words.at(-1)?.[0]}...]`] : [];
  const usage = ["elbo", name, ...words.map(([word]) => word), ...again, "[options]"].join(" ");
  return [
    `${summary}\n\nusage: ${usage}`,
    columns([...words, ...rows]),
    ...(examples.length > 0 ? [`examples:\n${examples.map((example) => `  ${example}`).join("\n")}`] : []),
  ].join("\n\n");
}

/** Two columns, the first as wide as its widest entry, the second folded to fit the terminal. */
export function columns(rows: readonly (readonly string[])[]): string {
  const left = Math.max(...rows.map(([word]) => word.length)) + 4;
  const right = Math.max(30, terminalWidth(process.stdout) - left);
  const folded = (text: string): string[] => text.match(new RegExp(`.{1,${right}}(?=\\s|$)`, "g")) ?? [];
  return rows.map(([word, help]) => `  ${word}`.padEnd(left) + folded(help).join(`\n${" ".repeat(left - 1)}`)).join("\n");
}

/** The known name that was probably meant: the longer or shorter form of it, or one or two letters away. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  const longer = known.find((name) => given.length > 1 && (name.startsWith(given) || given.startsWith(`${name}-`)));
  if (longer) return longer;
  const [best] = known.map((name) => ({ name, edits: edits(given, name) })).sort((a, b) => a.edits - b.edits);
  return best && best.edits <= Math.min(2, given.length / 2) ? best.name : undefined;
}

/** Letters to insert, delete or replace to make b of a (Levenshtein): one row of the table at a time. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length];
}
