import { DroppedRowError } from '../../model/errors/dropped-row.error.js';
import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';

/** A profile that is about to be mailed. */
export interface WantedAddress {
  idx: number;
  /** `address_key` of the profile's current address. */
  key: string;
}

/** Holder of an address in a mailing: the idx of a profile, or a plain address of the list. */
export type AddressHolder = number | 'plain address';

const ROWS_PER_STATEMENT = 1_000;

/**
 * Claims addresses for profiles, each for the first idx that asks, and returns the holder of each address.
 *
 * Two servers may send two batches at the same moment, each with a profile of the same address. Only the database can tell which one is first: the
 * primary key `(mailing_id, address_key)` decides. The insert waits for a rival insert that is not committed yet, so afterwards each key has a
 * committed row, of this idx or of another one. Rows never change. The row names the idx, so repeating is idempotent after a crash, a lost answer, a
 * deferral or a zombie's insert, whichever server repeats it.
 *
 * - Lock order: each statement is a transaction of its own, with no lock held before it. Rows are inserted in order of the key, so two servers with
 *   the same addresses do not deadlock.
 * - If the insert wrote all rows, they are not read back. That is the usual case. It is also the case in which PostgreSQL, without statistics about a
 *   mailing that has only begun, would read all addresses claimed so far.
 * - Index: primary key. Plain addresses are found by the unique key `(mailing_id, address_key)` of their own table. The whole list is written before
 *   the first message is sent, so a plain address always comes before a profile, whatever their idx.
 * - Rejected: one transaction around insert and read. Its snapshot might be older than the rival's commit (REPEATABLE READ of PostgreSQL), and the
 *   locks would be held for one more round trip.
 * - Rejected: claiming in the commit that marks. The address is known only after the host has returned the profile, which may take long and must not
 *   hold the lock on the progress row.
 * - Rejected: a row for plain addresses too. A list without profiles would pay for it.
 *
 * @returns the holder of each wanted address, by key.
 * @throws DroppedRowError if an address has no holder, or if the database changed a value.
 */
export async function claimAddresses(
  session: Session,
  mailingId: string,
  wanted: WantedAddress[],
): Promise<Map<string, AddressHolder>> {
  const inOrder = wanted.toSorted((a, b) => (a.key === b.key ? a.idx - b.idx : a.key < b.key ? -1 : 1));
  const holders = new Map<string, AddressHolder>();
  for (let first = 0; first < inOrder.length; first += ROWS_PER_STATEMENT) {
    const chunk = inOrder.slice(first, first + ROWS_PER_STATEMENT);
    const { numRows, numWarnings } = await session.insert(
      session.dialect.insertIgnore(
        `${session.tables.mailAddressClaim} (mailing_id, address_key, idx)`,
        chunk.map(() => '(?, ?, ?)').join(', '),
      ),
      chunk.flatMap(({ key, idx }) => [mailingId, key, idx]),
    );
    const keys = [...new Set(chunk.map((one) => one.key))];
    const areAllNew = numRows === chunk.length;
    if (areAllNew) for (const { key, idx } of chunk) holders.set(key, idx);
    else await readClaims(session, mailingId, keys, holders);
    await readPlain(session, mailingId, keys, holders);
    // Invariant: an address that is reported as claimed for an idx has a row with that idx.
    const isWhole = numWarnings <= chunk.length - numRows && keys.every((key) => holders.has(key));
    if (!isWhole) throw new DroppedRowError('dps_mail_address_claim');
  }
  return holders;
}

async function readClaims(
  session: Session,
  mailingId: string,
  keys: string[],
  into: Map<string, AddressHolder>,
): Promise<void> {
  const rows = await session.rows<{ address_key: string; idx: number }>(
    `SELECT address_key, idx FROM ${session.tables.mailAddressClaim}
     WHERE mailing_id = ? AND address_key IN (${placeholders(keys)})`,
    [mailingId, ...keys],
  );
  for (const { address_key, idx } of rows) into.set(address_key, Number(idx));
}

async function readPlain(
  session: Session,
  mailingId: string,
  keys: string[],
  into: Map<string, AddressHolder>,
): Promise<void> {
  const rows = await session.rows<{ address_key: string }>(
    `SELECT address_key FROM ${session.tables.emailAddress}
     WHERE mailing_id = ? AND address_key IN (${placeholders(keys)})`,
    [mailingId, ...keys],
  );
  for (const { address_key } of rows) into.set(address_key, 'plain address');
}
