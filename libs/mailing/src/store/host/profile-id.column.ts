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
 * The column by which profiles are found. Recipients give ids as text, and databases differ in what they make of a text that
 * is no id: MySQL finds profile 7 for \`7 apples\` and profile 0 for \`ann\`, PostgreSQL fails, and with it the whole commit.
 * So nobody is looked for under what the column can't hold.
 */
export class ProfileIdColumn {
  readonly #type: string;
  readonly #isPostgres: boolean;

  constructor(column: ColumnMetadata, dataSource: DataSource) {
    this.#type = dataSource.driver.normalizeType(column);
    this.#isPostgres = dataSource.options.type === 'postgres';
  }

  /** @returns the ids that may be there, under the key that \`keyOf\` makes of what is found. */
  holdable(ids: readonly string[]): Map<string, string> {
    return new Map(ids.filter((id) => this.#holds(id)).map((id) => [this.keyOf(id), id]));
  }

  /** The same for an id as it is asked for and as it is found. */
  keyOf(id: unknown): string {
    return this.#type === 'uuid' ? String(id).toLowerCase() : String(id);
  }

  #holds(id: string): boolean {
    if (this.#type === 'uuid') return UUID.test(id);
    // A text with NUL is none on PostgreSQL.
    if (!/^(\w*int\w*)$/.test(this.#type)) return !id.includes('\0');
    if (!WHOLE.test(id)) return false;
    const largest = this.#isPostgres ? LARGEST[this.#type] : undefined;
    const value = BigInt(id);
    return largest === undefined || (value <= largest && value >= -largest - 1n);
  }
}
