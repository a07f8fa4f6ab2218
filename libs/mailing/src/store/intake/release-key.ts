import type { Session } from '../database/mailing.database.js';

/**
 * Releases the idempotency key of a mailing whose list was never completed.
 *
 * - Lock: the mailing's row; index: primary key.
 * - The guard is the state `failed`, which never changes again. Of two callers one finds the key gone, and the unique index decides between their new
 *   mailings.
 */
export function releaseKey(session: Session, mailingId: string): Promise<number> {
  return session.change(
    `UPDATE ${session.tables.mailing} SET idempotency_key = NULL WHERE id = ? AND status = 'failed'`,
    [mailingId],
  );
}
