import type { Release } from '../../model/ports/ledger.js';
import type { MailingStatus } from '../../model/states/mailing-status.js';
import { toPublicText } from '../../model/values/public-text.js';
import type { Session } from '../database/mailing.database.js';

/**
 * Releases the claim with nothing in flight: after an orderly stop, for a pause, or for a cancel.
 *
 * - Lock: the mailing's row, held since `fenceCommit`, under which `from` was read.
 * - A command in the row takes precedence over `release`.
 *
 * @returns the status in which the mailing was left.
 */
export async function releaseMailing(
  session: Session,
  mailingId: string,
  from: MailingStatus,
  release: Release | null,
): Promise<MailingStatus> {
  const status = leftBehind(from, release);
  const reason = from === 'in_progress' && release?.kind === 'pause' ? toPublicText(release.reason) : null;
  const endTime = status === 'canceled' ? `, end_time = ${session.dialect.now}` : '';
  await session.change(
    `UPDATE ${session.tables.mailing} SET status = ?, claim_token = NULL,
       status_reason = COALESCE(?, status_reason)${endTime} WHERE id = ? AND status = ?`,
    [status, reason, mailingId, from],
  );
  return status;
}

function leftBehind(from: MailingStatus, release: Release | null): MailingStatus {
  if (from === 'pausing') return 'paused';
  if (from === 'canceling') return 'canceled';
  return release?.kind === 'pause' ? 'paused' : 'pending';
}
