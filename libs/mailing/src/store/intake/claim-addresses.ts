import { DroppedRowError } from '../../model/errors/dropped-row.error.js';
import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';

/** A profile that is about to be mailed. */
export interface WantedAddress {
  idx: number;
  /** `address_key` of the address that its profile has now. */
  key: string;
}

/** Whose an address is in a mailing: the profile at this place, or a plain address of the list. */
export type AddressHolder = number | 'plain address';

const ROWS_PER_STATEMENT = 1_000;

/**
 * Takes the addresses of profiles for their places, each at its first place that comes, and says whose they are.
 *
 * Two profiles with one address may lie in two batches that two servers send at the same moment, so only the database can tell
 * who comes first: the primary key `(mailing_id, address_key)`. The insert waits for a rival that is not committed yet, so
 * after it every key has a committed row, its own or that of somebody else, and no row is ever changed. A crash, an answer that
 * gets lost, a deferral or a zombie leave a row that names the same place as before, whoever works on it, so whoever comes back finds it to be his.
 *
 * - Lock order: statements that are a transaction each, with no lock held before them; rows in order of the key, so two
 *   servers with the same addresses wait for each other once and not crosswise.
 * - Whose rows all came in by the insert has taken them, and does not ask again: the usual case, and the one in which PostgreSQL,
 *   which has no statistics about a mailing that has only begun, would read all that it has taken so far.
 * - Index: primary key. Plain addresses are found by the unique key `(mailing_id, address_key)` of their own table; the whole
 *   list is written before anybody is mailed, so a plain address always comes before a profile, wherever it stands.
 * - Rejected: one transaction around both. Its read might be of a moment before the rival's commit (REPEATABLE READ of
 *   PostgreSQL), and the locks would be kept for one round trip more.
 * - Rejected: in the commit that marks. The address is known once the host has been asked for the profile, which may take its
 *   time and must not hold the books' lock.
 * - Rejected: a row for plain addresses too. A list without profiles would pay for it.
 *
 * @returns the holder of each wanted address, by its key.
 * @throws DroppedRowError if one has none.
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
        `${session.tables.mailAddressTaken} (mailing_id, address_key, idx)`,
        chunk.map(() => '(?, ?, ?)').join(', '),
      ),
      chunk.flatMap(({ key, idx }) => [mailingId, key, idx]),
    );
    const keys = [...new Set(chunk.map((one) => one.key))];
    const areAllNew = numRows === chunk.length;
    if (areAllNew) for (const { key, idx } of chunk) holders.set(key, idx);
    else await readTaken(session, mailingId, keys, holders);
    await readPlain(session, mailingId, keys, holders);
    // Invariant: an address that is reported free has a row for its place.
    const isWhole = numWarnings <= chunk.length - numRows && keys.every((key) => holders.has(key));
    if (!isWhole) throw new DroppedRowError('dps_mail_address_claim');
  }
  return holders;
}

async function readTaken(
  session: Session,
  mailingId: string,
  keys: string[],
  into: Map<string, AddressHolder>,
): Promise<void> {
  const rows = await session.rows<{ address_key: string; idx: number }>(
    `SELECT address_key, idx FROM ${session.tables.mailAddressTaken}
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
