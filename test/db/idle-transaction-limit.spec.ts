import type { Logger } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { noFaultPoints } from '../../libs/mailing/src/model/fault-points.js';
import { MailingDatabase } from '../../libs/mailing/src/store/mailing.database.js';
import { INNODB_KINDS } from '../support/database-kinds.js';
import { freshDatabase } from '../support/fresh-database.js';

const LIMIT_MS = 7_000;

/** The host's log, of which only failed statements are kept. */
class FailureLog implements Logger {
  readonly failures: string[] = [];

  logQueryError(_error: string | Error, query: string): void {
    this.failures.push(query);
  }

  logQuery(): void {}
  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}

describe.each(INNODB_KINDS)('the limit of idle transactions (%s)', (kind) => {
  it.each(INNODB_KINDS)(
    'is that of the server, whose version tells what it is, under a data source of type %s',
    async (type) => {
      const log = new FailureLog();
      const options = { type, logger: log } as object;
      await using fresh = await freshDatabase(kind, { dataSource: options });
      const database = new MailingDatabase(fresh.dataSource, noFaultPoints, LIMIT_MS);

      const seen = await Promise.all(
        Array.from({ length: 10 }, () =>
          database.transaction((session) =>
            session.rows<{ Value: string }>("SHOW SESSION VARIABLES LIKE 'idle_write_transaction_timeout'"),
          ),
        ),
      );

      const expected = { mariadb: [{ Value: String(LIMIT_MS / 1_000) }], mysql: [] }[kind];
      for (const rows of seen) expect(rows.map(({ Value }) => ({ Value }))).toEqual(expected);
      expect(log.failures).toEqual([]);
    },
  );
});
