import { toPublicText } from '../../model/values/public-text.js';
import type { Session } from '../database/mailing.database.js';

/**
 * Requests a pause that the plugin has decided. A fatal cause pauses the whole mailing, even when a batch's last recipient reveals it.
 *
 * - Lock: the mailing's row, of a batch after its own; index: primary key.
 * - It is completed like a pause that a person requested, when the last claim is released.
 */
export async function pauseMailing(session: Session, mailingId: string, reason: string): Promise<void> {
  await session.change(
    `UPDATE ${session.tables.mailing} SET status = 'pausing', status_reason = ? WHERE id = ? AND status = 'in_progress'`,
    [toPublicText(reason), mailingId],
  );
}
