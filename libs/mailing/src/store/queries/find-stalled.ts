import type { Session } from '../database/mailing.database.js';

/** A slice that a living server works on, and that has not moved for long. */
export interface StalledSlice {
  mailingId: string;
  uniqServerId: string;
}

/**
 * Finds the mailings, whole or by one of their batches, that a living server has claimed and committed nothing for.
 *
 * - Lock: none.
 * - Index: `(is_batched, status)` to the mailings that are worked on, `(status, …)` to the batches that are claimed. There are never more
 *   of either than all servers have places, so the time of the last commit needs no index, which each commit would have to move.
 * - A slice that was claimed before the column was there has no time, and is not found before its next commit.
 * - Whether the server lives is asked of its row: the slices of the dead are found by their recovery.
 * - Rejected: a time in memory alone. The run that hangs may be on a server that is not asked.
 */
export async function findStalled(
  session: Session,
  { quietMs, leaseMs, limit }: { quietMs: number; leaseMs: number; limit: number },
): Promise<StalledSlice[]> {
  const { dialect, tables } = session;
  const isStalled = `x.last_commit_at < ${dialect.agoMs} AND EXISTS (SELECT 1 FROM ${tables.mailServer} s
    WHERE s.uniq_server_id = x.uniq_server_id AND s.last_updated >= ${dialect.agoMs})`;
  const found: StalledSlice[] = [];
  for (const from of [
    `x.id AS mailing_id, x.uniq_server_id FROM ${tables.mailing} x
     WHERE x.is_batched = FALSE AND x.status IN ('in_progress', 'pausing', 'canceling')`,
    `x.mailing_id, x.uniq_server_id FROM ${tables.mailBatch} x WHERE x.status = 'claimed'`,
  ]) {
    const rows = await session.rows<Record<'mailing_id' | 'uniq_server_id', string>>(
      `SELECT ${from} AND ${isStalled} LIMIT ${limit}`,
      [quietMs, leaseMs],
    );
    for (const row of rows) found.push({ mailingId: row.mailing_id, uniqServerId: row.uniq_server_id });
  }
  return found;
}
