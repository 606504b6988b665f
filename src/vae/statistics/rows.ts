// What the statistics take: a table of numbers, one example a row. They know nothing of models: codes, pixels and any other table do.

/** [count, columns], row by row. */
export interface Rows {
  readonly values: Float32Array | Float64Array;
  readonly count: number;
  readonly columns: number;
}

/** Values as rows of so many columns. */
export function rowsOf(values: Float32Array | Float64Array, columns: number): Rows {
  return checked("rowsOf", { values, count: values.length / columns, columns });
}

/** At most so many rows, the first ones. */
export function firstRows({ values, count, columns }: Rows, most: number): Rows {
  const kept = Math.min(count, most);
  return { values: values.subarray(0, kept * columns), count: kept, columns };
}

/** Rows that can be computed with: at least one, as many values as they say, and each a finite number. */
export function checked(caller: string, rows: Rows): Rows {
  const { values, count, columns } = rows;
  if (!(Number.isInteger(count) && Number.isInteger(columns) && count >= 1 && columns >= 1 && values.length === count * columns)) {
    throw new Error(`${caller}: ${values.length} values do not make ${count} rows of ${columns} columns`);
  }
  let bad = 0;
  while (bad < values.length && Number.isFinite(values[bad])) bad++;
  if (bad === values.length) return rows;
  throw new Error(
    `${caller}: the value ${values[bad]} in row ${Math.floor(bad / columns)}, column ${bad % columns}; finite numbers are needed`,
  );
}

/** Throws if the rows have another number of columns than what was fitted. */
export function checkColumns(caller: string, x: Rows, columns: number): void {
  checked(caller, x);
  if (x.columns !== columns) throw new Error(`${caller}: rows of ${x.columns} columns, but it was fitted to rows of ${columns}`);
}

/** Mean and variance of each column. The variance is that of the rows themselves, divided by their number. */
export function moments({ values, count, columns }: Rows): { mean: Float64Array; variance: Float64Array } {
  const mean = new Float64Array(columns);
  const variance = new Float64Array(columns);
  for (let i = 0, at = 0; i < count; i++) for (let j = 0; j < columns; j++) mean[j] += values[at++];
  for (let j = 0; j < columns; j++) mean[j] /= count;
  // In a second pass: mean of squares minus square of the mean would cancel where the mean is large.
  for (let i = 0, at = 0; i < count; i++) for (let j = 0; j < columns; j++) variance[j] += (values[at++] - mean[j]) ** 2;
  for (let j = 0; j < columns; j++) variance[j] /= count;
  return { mean, variance };
}
