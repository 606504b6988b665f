// Checks of settings, which come from a person, a command line or a file. Each returns the setting, or throws with its name and value.

export function whole(name: string, value: unknown, from = 1, to: number = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to) return value as number;
  throw new Error(`${name}: ${written(value)} is not a whole number ${bounds(from, to)}`);
}

/** A seed is a word of the key that all random numbers are made with. */
export const seedOf = (value: unknown): number => whole("seed", value, 0, 2 ** 32 - 1);

export function positive(name: string, value: unknown): number {
  if (Number.isFinite(value) && (value as number) > 0) return value as number;
  throw new Error(`${name}: ${written(value)} is not a number above 0`);
}

export function notNegative(name: string, value: unknown): number {
  if (Number.isFinite(value) && (value as number) >= 0) return value as number;
  throw new Error(`${name}: ${written(value)} is not a number of 0 or more`);
}

const MAX_AXES = 64; // layers of a network, axes of a shape: more is a damaged file

/** One size or several, as a list. */
export function sizes(name: string, value: unknown): number[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0 || list.length > MAX_AXES) throw new Error(`${name}: ${list.length} sizes; 1 to ${MAX_AXES} are allowed`);
  return list.map((size) => whole(name, size));
}

export function choice<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  const found = choices.find((c) => c === value);
  if (found !== undefined) return found;
  throw new Error(`${name}: ${written(value)} is not one of ${choices.join(", ")}`);
}

const bounds = (from: number, to: number): string => (to === Number.MAX_SAFE_INTEGER ? `of ${from} or more` : `from ${from} to ${to}`);

/** As a message quotes it: JSON knows no NaN. */
const written = (value: unknown): string => (typeof value === "number" ? `${value}` : (JSON.stringify(value) ?? "nothing").slice(0, 100));
