import type { ListedRecipient } from '../../model/listed-recipient.js';
import type { Session } from '../mailing.database.js';

/** A recipient with its place in the mailing. */
export type NumberedRecipient = ListedRecipient & { idx: number };

type Written = Exclude<NumberedRecipient, { kind: 'profile' }>;

const INVALID_TEXT = {
  invalid_address: 'This is not exactly one valid e-mail address.',
  invalid_recipient: 'This is neither an address nor a profile id.',
};

/**
 * Writes one chunk of recipients, a multi-row insert for each table; who is in the mailing already is dropped by the
 * unique key.
 *
 * - Lock order: after the mailing's row (`fenceLoading`); rows in order of the primary key, so inserts append.
 * - The database decides what is a duplicate, so a list of any length is checked in constant memory.
 * - Rejected: asking first who is there already, one more statement a chunk; a set in memory, which grows with the list.
 *
 * @returns how many rows were new.
 */
export async function insertRecipients(
  session: Session,
  mailingId: string,
  recipients: NumberedRecipient[],
): Promise<number> {
  const profiles = recipients.filter((one) => one.kind === 'profile');
  const addresses = recipients.filter((one) => one.kind !== 'profile');
  let inserted = 0;
  if (profiles.length > 0) {
    inserted += await session.change(
      session.dialect.insertIgnore(
        `${session.tables.userMailing} (mailing_id, idx, user_id, status)`,
        profiles.map(() => `(?, ?, ?, 'pending')`).join(', '),
      ),
      profiles.flatMap((one) => [mailingId, one.idx, one.userId]),
    );
  }
  if (addresses.length > 0) {
    const { now } = session.dialect;
    inserted += await session.change(
      session.dialect.insertIgnore(
        `${session.tables.emailAddress}
           (mailing_id, idx, email_address, display_name, address_key, data, status, settled_at, error_code, error_text)`,
        addresses
          .map(
            (one) =>
              `(?, ?, ?, ?, ?, ?, ${one.kind === 'invalid' ? `'skipped', ${now}` : `'pending', NULL`}, ?, ?)`,
          )
          .join(', '),
      ),
      addresses.flatMap((one) => [mailingId, ...columnsOf(one)]),
    );
  }
  return inserted;
}

function columnsOf(one: Written): unknown[] {
  if (one.kind === 'invalid') {
    // The key of an invalid entry is its place, so that each of them is counted.
    return [one.idx, one.shownAs, null, `invalid:${one.idx}`, null, one.reason, INVALID_TEXT[one.reason]];
  }
  const data = one.data === null ? null : JSON.stringify(one.data);
  return [one.idx, one.email, one.name, one.key, data, null, null];
}
