import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { Session } from './mailing.database.js';

/**
 * @param lock `whileItLasts` of the dialect: it is read as it is now, and stays so until the transaction is over.
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
