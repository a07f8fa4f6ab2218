import type { Session } from '../database/mailing.database.js';

/** Condition: the server of this row is live, by the database's clock. It has one parameter, the lease in milliseconds; index: primary key. */
export function hasLiveServer({ dialect, tables }: Session, alias: string): string {
  return `EXISTS (SELECT 1 FROM ${tables.mailServer} s
    WHERE s.uniq_server_id = ${alias}.uniq_server_id AND s.last_updated >= ${dialect.agoMs})`;
}
