/** `?, ?, ?` for a list of values. */
export function placeholders(values: readonly unknown[]): string {
  return Array.from(values, () => '?').join(', ');
}

/** SQLite takes 32,766 parameters per statement; the widest statement of this kind (`deferRecipients`) has 7 per row. */
const ROWS_PER_STATEMENT = 2_000;

/**
 * Runs one statement for each chunk of a list whose length is set by the host (`maxInDoubt`).
 *
 * @returns the sum of what the statements return.
 */
export async function inChunks<T>(
  rows: readonly T[],
  statement: (chunk: T[]) => Promise<number>,
  rowsPerStatement = ROWS_PER_STATEMENT,
): Promise<number> {
  let sum = 0;
  for (let first = 0; first < rows.length; first += rowsPerStatement) {
    sum += await statement(rows.slice(first, first + rowsPerStatement));
  }
  return sum;
}
