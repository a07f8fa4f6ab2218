import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { Session } from '../database/mailing.database.js';

/** State of a mailing after a command was written. */
export interface RequestedMailing {
  status: MailingStatus;
  uniqServerId: string;
  claimToken: string | null;
  /** Its batches are claimed by any server, and the mailing itself has no run. */
  isBatched: boolean;
  /** All its messages go to one address, so none of its recipients was sent to. */
  isRedirected: boolean;
}

/** State of a mailing; index: primary key. @returns null if there is no such mailing. */
export async function readRequested(session: Session, mailingId: string): Promise<RequestedMailing | null> {
  const [row] = await session.rows<Record<string, unknown>>(
    `SELECT status, uniq_server_id, claim_token, is_batched, message_to FROM ${session.tables.mailing} WHERE id = ?`,
    [mailingId],
  );
  if (!row) return null;
  return {
    status: row.status as MailingStatus,
    uniqServerId: String(row.uniq_server_id),
    claimToken: row.claim_token as string | null,
    isBatched: Boolean(row.is_batched),
    isRedirected: row.message_to !== null,
  };
}
