import type { DataSource } from 'typeorm';

const ROWS_PER_INSERT = 2_000;

/**
 * Inserts so many rows, in SQL that every database understands.
 *
 * @param into table and columns
 * @param rowOf the values of a row by its number, from 0 on
 */
export async function fillTable(
  dataSource: DataSource,
  into: string,
  count: number,
  rowOf: (n: number) => string,
): Promise<void> {
  for (let first = 0; first < count; first += ROWS_PER_INSERT) {
    const length = Math.min(ROWS_PER_INSERT, count - first);
    const rows = Array.from({ length }, (_, n) => `(${rowOf(first + n)})`);
    await dataSource.query(`INSERT INTO ${into} VALUES ${rows.join(', ')}`);
  }
}
