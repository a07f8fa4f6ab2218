import type { Session } from '../database/mailing.database.js';
import { belongingTo, type MailingScope } from '../commands/transport-paused.js';

/**
 * Claims a mailing that nobody works on, and that is not cut in batches.
 *
 * - Lock: the mailing's row; index: primary key.
 * - The guard is the state itself: of any number of claimers, in any number of processes, one changes the row. The
 *   token is new each time, so the row always changes and affected rows mean the same under both found-rows settings.
 * - A time to begin at, and one to begin by, count for the first start only and are judged here, by the database's clock,
 *   whatever made the claimer believe that it is time.
 * - The claimer proves in the same statement that it is the living incarnation of its server: a process that was stopped
 *   in the middle of a look for work wakes up as somebody who owns nothing any more.
 * - Rejected: `SELECT … FOR UPDATE SKIP LOCKED`, which serves picking any of many rows; here the row is known, and the
 *   guarded update also works where the database can not skip.
 *
 * @returns true for the one who has it.
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

/** Condition: the mailing may be begun now, or was begun before. */
export function isDue({ dialect: { now } }: Session): string {
  return `(start_time IS NOT NULL OR ((scheduled_at IS NULL OR scheduled_at <= ${now})
    AND (do_not_start_after IS NULL OR do_not_start_after >= ${now})))`;
}

/**
 * Tells why a mailing that should have been begun long ago is not: its last moment passed while nobody could begin it.
 *
 * - Index: `(uniq_server_id, status)`, or `(is_batched, status)`.
 *
 * @returns how many were found overdue for the first time.
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
 * Condition: the incarnation that drew this token is the living one of its server. It takes a shared lock on the server's
 * row, so that a successor registers either before, and is seen, or after the claim is committed, and sees it. The lock
 * comes after the mailing's or, on PostgreSQL, before it; that is no way round for two, because who changes the server's
 * row holds nothing else.
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
