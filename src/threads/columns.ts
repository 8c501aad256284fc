/** Rows of small arrays, packed for the way between threads: each array is an object to be cloned, which costs more than its numbers. */

/** Arrays by name: those of a row, or of all rows one after the other. */
type Named = { readonly [name: string]: ArrayLike<number> };

/** So many rows of the same names and lengths. */
export type Columns = { size: number; columns: { readonly [name: string]: Float32Array } };

export function toColumns(rows: readonly Named[]): Columns {
  const columns = Object.entries(rows[0] ?? {}).map(([name, { length }]) => {
    const column = new Float32Array(rows.length * length);
    for (const [i, row] of rows.entries()) column.set(row[name], i * length);
    return [name, column];
  });
  return { size: rows.length, columns: Object.fromEntries(columns) };
}

/** The rows again, in the memory of the columns. */
export function toRows<Row extends Named>({ size, columns }: Columns): Row[] {
  const names = Object.entries(columns);
  return Array.from({ length: size }, (_, i) => {
    const row = names.map(([name, column]) => {
      const length = column.length / size;
      return [name, column.subarray(i * length, (i + 1) * length)];
    });
    return Object.fromEntries(row) as Row;
  });
}
