import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { Session } from '../database/mailing.database.js';
import { isDue } from './is-due.js';

/** States of a mailing that has not ended. */
export const UNFINISHED = `'loading', 'pending', 'in_progress', 'pausing', 'paused', 'canceling'`;

/** A mailing that has work to do. */
export interface UnfinishedMailing {
  mailingId: string;
  status: MailingStatus;
  claimToken: string | null;
}

/**
 * Mailings of a server that it has to work on now, oldest first. Batched mailings are left out: no server owns a batch.
 *
 * - Index: `(uniq_server_id, status)`. Batched mailings are filtered here and not in the statement: there, the planner could prefer the index on
 *   `is_batched` to it.
 */
export async function findUnfinished(session: Session, uniqServerId: string): Promise<UnfinishedMailing[]> {
  const rows = await session.rows<{
    id: string;
    status: MailingStatus;
    claim_token: string | null;
    is_batched: unknown;
  }>(
    `SELECT id, status, claim_token, is_batched FROM ${session.tables.mailing}
     WHERE uniq_server_id = ? AND status IN ('pending', 'in_progress', 'pausing', 'canceling')
       AND (status <> 'pending' OR ${isDue(session)}) ORDER BY id`,
    [uniqServerId],
  );
  return rows
    .filter((row) => !row.is_batched)
    .map((row) => ({ mailingId: row.id, status: row.status, claimToken: row.claim_token }));
}

/** All mailings of a server that have not ended; index: `(uniq_server_id, status)`. */
export async function idsOfUnfinished(session: Session, uniqServerId: string): Promise<string[]> {
  const rows = await session.rows<{ id: string }>(
    `SELECT id FROM ${session.tables.mailing} WHERE uniq_server_id = ? AND status IN (${UNFINISHED})`,
    [uniqServerId],
  );
  return rows.map((row) => row.id);
}

/** Other servers that own a mailing that has not ended. */
export async function ownersOfUnfinished(session: Session, uniqServerId: string): Promise<string[]> {
  const rows = await session.rows<{ uniq_server_id: string }>(
    `SELECT DISTINCT uniq_server_id FROM ${session.tables.mailing}
     WHERE uniq_server_id <> ? AND status IN (${UNFINISHED})`,
    [uniqServerId],
  );
  return rows.map((row) => row.uniq_server_id);
}
