import { toPublicText } from '../../model/values/public-text.js';
import type { Session } from '../database/mailing.database.js';

/**
 * Asks for a pause that the plugin has decided: a cause that makes it pointless to go on for one batch, even if its last recipient has shown it,
 * pauses the mailing as a whole.
 *
 * - Lock: the mailing's row, of a batch after its own; index: primary key.
 * - It is carried out as one that a person has asked for, where the last claim is given back.
 */
export async function pauseMailing(session: Session, mailingId: string, reason: string): Promise<void> {
  await session.change(
    `UPDATE ${session.tables.mailing} SET status = 'pausing', status_reason = ? WHERE id = ? AND status = 'in_progress'`,
    [toPublicText(reason), mailingId],
  );
}
