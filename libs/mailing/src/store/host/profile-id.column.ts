import type { DataSource } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';

const WHOLE = /^(0|-?[1-9]\d{0,19})$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const LARGEST: Record<string, bigint> = {
  smallint: 2n ** 15n - 1n,
  integer: 2n ** 31n - 1n,
  bigint: 2n ** 63n - 1n,
};

/**
 * The column by which profiles are found.
 *
 * An id that the column can't hold is not queried. Recipients give ids as text, and databases differ in how they treat a text that is no id: MySQL
 * finds profile 7 for `7 apples` and profile 0 for `ann`; PostgreSQL fails, and the whole commit with it.
 */
export class ProfileIdColumn {
  readonly #type: string;
  readonly #isPostgres: boolean;

  constructor(column: ColumnMetadata, dataSource: DataSource) {
    this.#type = dataSource.driver.normalizeType(column);
    this.#isPostgres = dataSource.options.type === 'postgres';
  }

  /** @returns the ids that the column can hold, each under its `keyOf`. */
  holdable(ids: readonly string[]): Map<string, string> {
    return new Map(ids.filter((id) => this.#holds(id)).map((id) => [this.keyOf(id), id]));
  }

  /** Equal for a given id and for the same id as it is found in the table. */
  keyOf(id: unknown): string {
    return this.#type === 'uuid' ? String(id).toLowerCase() : String(id);
  }

  #holds(id: string): boolean {
    if (this.#type === 'uuid') return UUID.test(id);
    // PostgreSQL refuses a text with NUL.
    if (!/^(\w*int\w*)$/.test(this.#type)) return !id.includes('\0');
    if (!WHOLE.test(id)) return false;
    const largest = this.#isPostgres ? LARGEST[this.#type] : undefined;
    const value = BigInt(id);
    return largest === undefined || (value <= largest && value >= -largest - 1n);
  }
}
