import type { Session } from '../database/mailing.database.js';

/**
 * `adoptMailings` for one mailing, for a command given here that its owner can not carry out any more. Index: primary key.
 *
 * @returns 1 if it was moved.
 */
export function adoptOneMailing(
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
