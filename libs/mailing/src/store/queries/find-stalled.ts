import type { Session } from '../database/mailing.database.js';
import { hasLiveServer } from './live-server.js';

/** A slice that a live server works on, without a commit for long. */
export interface StalledSlice {
  mailingId: string;
  uniqServerId: string;
}

/**
 * Finds the slices (whole mailings or batches) that a live server has claimed and has not committed to for `quietMs`.
 *
 * - Lock: none.
 * - Index: `(is_batched, status)` for the mailings that are worked on, `(status, …)` for the batches that are claimed. There are never more of either
 *   than all servers have worker slots, so the time of the last commit needs no index, which each commit would have to update.
 * - The row of the server says whether it lives: the slices of dead servers are found by their recovery.
 * - Rejected: a time in memory alone. The run that hangs may be on a server that is not asked.
 */
export async function findStalled(
  session: Session,
  { quietMs, leaseMs, limit }: { quietMs: number; leaseMs: number; limit: number },
): Promise<StalledSlice[]> {
  const { dialect, tables } = session;
  const isStalled = `x.last_commit_at < ${dialect.agoMs} AND ${hasLiveServer(session, 'x')}`;
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
