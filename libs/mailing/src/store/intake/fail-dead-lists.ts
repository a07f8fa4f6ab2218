import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';
import { isLiving } from '../database/proves-life.js';

/** The next sweep finds the rest. */
const MAX_FOUND = 1_000;

/**
 * Fails the lists of this server whose writer died: every `loading` mailing that the living incarnation did not begin.
 *
 * - Index: `(uniq_server_id, status)`; the change itself goes by the primary key. The token begins with the incarnation that wrote it.
 * - A query comes first, for the reason given at `noteOverdue`: a list that is written within a transaction of the host must not hold up a sweep.
 * - Requires the caller's incarnation to be live: after a stop the list may be its successor's.
 */
export async function failDeadLists(
  session: Session,
  uniqServerId: string,
  incarnation: string,
): Promise<number> {
  const isDead =
    "uniq_server_id = ? AND status = 'loading' AND (claim_token IS NULL OR claim_token NOT LIKE ?)";
  const terms = [uniqServerId, `${incarnation}#%`];
  const found = await session.rows<{ id: string }>(
    `SELECT id FROM ${session.tables.mailing} WHERE ${isDead} LIMIT ${MAX_FOUND}`,
    terms,
  );
  if (found.length === 0) return 0;
  const life = isLiving(session, uniqServerId, incarnation);
  return session.change(
    `UPDATE ${session.tables.mailing}
     SET status = 'failed', status_reason = 'list incomplete', claim_token = NULL, commit_seq = commit_seq + 1,
         end_time = ${session.dialect.now}
     WHERE id IN (${placeholders(found)}) AND ${isDead} AND ${life.sql}`,
    [...found.map(({ id }) => id), ...terms, ...life.parameters],
  );
}
