import type { Session } from '../database/mailing.database.js';
import { belongingTo, type MailingScope } from '../commands/transport-paused.js';

/**
 * Claims a mailing that has no claim and is not split into batches.
 *
 * - Lock: the mailing's row; index: primary key.
 * - The guard is the state itself: of any number of claimers in any number of processes, exactly one changes the row. The token is new each time, so
 *   the row always changes, and the number of affected rows means the same under both found-rows settings.
 * - `scheduled_at` and `do_not_start_after` apply to the first start only. They are judged here, by the database's clock, not by the clock of the
 *   claimer.
 * - The same statement requires that the claimer's incarnation is live (`provesLife`): a process that was suspended while it looked for work may have
 *   lost everything when it continues.
 * - Rejected: `SELECT … FOR UPDATE SKIP LOCKED`. It serves to pick one of many rows; here the row is known, and the guarded update also works where
 *   the database has no `SKIP LOCKED`.
 *
 * @returns true if this caller has the claim.
 */
export async function claimMailing(
  session: Session,
  mailingId: string,
  uniqServerId: string,
  claimToken: string,
): Promise<boolean> {
  const life = provesLife(session, uniqServerId, claimToken);
  const changed = await session.change(
    `UPDATE ${session.tables.mailing}
     SET status = 'in_progress', status_reason = NULL, claim_token = ?, commit_seq = commit_seq + 1,
         last_commit_at = ${session.dialect.now}, start_time = COALESCE(start_time, ${session.dialect.now})
     WHERE id = ? AND uniq_server_id = ? AND status = 'pending' AND is_batched = FALSE
       AND ${isDue(session)} AND ${life.sql}`,
    [claimToken, mailingId, uniqServerId, ...life.parameters],
  );
  return changed === 1;
}

/** Condition: the mailing may be started now, or was started before. */
export function isDue({ dialect: { now } }: Session): string {
  return `(start_time IS NOT NULL OR ((scheduled_at IS NULL OR scheduled_at <= ${now})
    AND (do_not_start_after IS NULL OR do_not_start_after >= ${now})))`;
}

/**
 * Sets `status_reason` of mailings that were not started before their `do_not_start_after` passed.
 *
 * - Index: `(uniq_server_id, status)`, or `(is_batched, status)`.
 *
 * @returns how many mailings were found overdue for the first time.
 */
export function noteOverdue(session: Session, scope: MailingScope): Promise<number> {
  const own = belongingTo(scope);
  return session.change(
    `UPDATE ${session.tables.mailing} SET status_reason = 'overdue: its last moment to begin has passed; resume or cancel it'
     WHERE ${own.sql} AND status = 'pending' AND start_time IS NULL
       AND do_not_start_after < ${session.dialect.now} AND status_reason IS NULL`,
    own.parameters,
  );
}

/**
 * Condition: the incarnation in this token is the live one of its server.
 *
 * It takes a shared lock on the server's row. So a successor either registers before the lock and is seen, or registers after the claim is committed
 * and sees the claim. The lock comes after the mailing's lock, or, on PostgreSQL, before it. No deadlock: writers of a server row hold no other lock.
 */
export function provesLife(
  { dialect, tables }: Session,
  uniqServerId: string,
  claimToken: string,
): { sql: string; parameters: string[] } {
  return {
    sql: `EXISTS (SELECT 1 FROM ${tables.mailServer} WHERE uniq_server_id = ? AND incarnation = ? ${dialect.whileItLasts})`,
    parameters: [uniqServerId, claimToken.slice(0, claimToken.lastIndexOf('#'))],
  };
}
