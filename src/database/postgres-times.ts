import pg from 'pg';

const TIMESTAMP_WITHOUT_TIME_ZONE = 1114;

/**
 * Parsers for `pg`: times without a zone are UTC, as the mailing tables hold them, and not the local time of this process. They do for PostgreSQL
 * what `timezone: 'Z'` does for MySQL.
 */
export const timesInUtc: pg.CustomTypesConfig = {
  getTypeParser(id, format) {
    if (Number(id) === TIMESTAMP_WITHOUT_TIME_ZONE && format !== 'binary') {
      return (text: string | Buffer) => new Date(`${String(text).replace(' ', 'T')}Z`);
    }
    return pg.types.getTypeParser(id, format) as (value: string | Buffer) => unknown;
  },
};
