import type { Session } from '../database/mailing.database.js';

/** The same for one mailing. @returns 1 if it was moved. */
export function adoptMailing(
  session: Session,
  mailingId: string,
  fromServerId: string,
  toServerId: string,
): Promise<number> {
  const { mailing, mailServer } = session.tables;
  return session.change(
    `UPDATE ${mailing} SET uniq_server_id = ?
     WHERE id = ? AND uniq_server_id = ?
       AND NOT EXISTS (SELECT 1 FROM ${mailServer} WHERE uniq_server_id = ?)`,
    [toServerId, mailingId, fromServerId, fromServerId],
  );
}
