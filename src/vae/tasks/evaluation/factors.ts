// Data whose factors are known, beside the codes of a model: what both scores of single latents are given.

import { whole } from "../../settings.ts";
import { checked, type Rows } from "../../statistics/rows.ts";

/** Which value each factor has, counted from 0: [count, sizes.length], row by row. */
export interface Factors {
  readonly names: readonly string[];
  readonly values: ArrayLike<number>;
  /** How many values each factor has. */
  readonly sizes: readonly number[];
}

/** The number of examples, if each has a code and a value of each factor, and each factor more than one value. */
export function checkFactors(caller: string, codes: Rows, { values, sizes, names }: Factors): number {
  checked(caller, codes);
  const { count } = codes;
  if (values.length !== count * sizes.length)
    throw new Error(`${caller}: ${values.length} values of ${sizes.length} factors, for codes of ${count} examples`);
  sizes.forEach((size, f) => {
    const own = new Set<number>();
    for (let i = 0; i < count; i++) own.add(whole(`${caller}: ${names[f]} of example ${i}`, values[i * sizes.length + f], 0, size - 1));
    if (own.size < 2) throw new Error(`${caller}: all ${count} examples have one value of ${names[f]}; give examples that differ in it`);
  });
  return count;
}
