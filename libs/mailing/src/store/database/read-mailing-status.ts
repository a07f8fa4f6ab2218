import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { Session } from './mailing.database.js';

/**
 * @param lock `whileItLasts` of the dialect: the current status is read, and can't change until the transaction ends.
 * @throws Error if the mailing was removed.
 */
export async function readMailingStatus(
  session: Session,
  mailingId: string,
  lock = '',
): Promise<MailingStatus> {
  const [row] = await session.rows<{ status: MailingStatus }>(
    `SELECT status FROM ${session.tables.mailing} WHERE id = ? ${lock}`,
    [mailingId],
  );
  return row.status;
}
