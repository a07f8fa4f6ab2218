import pg from 'pg';

const TIMESTAMP_WITHOUT_TIME_ZONE = 1114;

/**
 * Parsers for `pg`: times without a zone are UTC, which is what the mailing tables hold, and not the local time of this
 * process. What `timezone: 'Z'` is to MySQL.
 */
export const timesInUtc: pg.CustomTypesConfig = {
  getTypeParser(id, format) {
    if (Number(id) === TIMESTAMP_WITHOUT_TIME_ZONE && format !== 'binary') {
      return (text: string | Buffer) => new Date(`${String(text).replace(' ', 'T')}Z`);
    }
    return pg.types.getTypeParser(id, format) as (value: string | Buffer) => unknown;
  },
};
