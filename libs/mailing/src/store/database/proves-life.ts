import { incarnationOf } from '../../model/states/claim-token.js';
import type { Session } from './mailing.database.js';
import type { SqlPart } from './progress-row.js';

/**
 * Condition: the incarnation in this token is the live one of its server.
 *
 * It takes a shared lock on the server's row. So a successor either registers before the lock and is seen, or registers after the claim is committed
 * and sees the claim. The lock comes after the mailing's lock, or, on PostgreSQL, before it. No deadlock: writers of a server row hold no other lock.
 */
export function provesLife(session: Session, uniqServerId: string, claimToken: string): SqlPart {
  return isLiving(session, uniqServerId, incarnationOf(claimToken));
}

/** Condition: this incarnation is the live one of its server; with the lock of `provesLife`. */
export function isLiving({ dialect, tables }: Session, uniqServerId: string, incarnation: string): SqlPart {
  return {
    sql: `EXISTS (SELECT 1 FROM ${tables.mailServer} WHERE uniq_server_id = ? AND incarnation = ? ${dialect.whileItLasts})`,
    parameters: [uniqServerId, incarnation],
  };
}
