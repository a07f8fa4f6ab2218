import type { NumberedRecipient } from '../../model/ports/mailing.persister.js';
import type { Inserted, Session } from '../database/mailing.database.js';
import { NAME_COLUMN_OF, type RecipientTable } from '../recipients/open-recipient.js';

type Written = Exclude<NumberedRecipient, { kind: 'profile' }>;

/** Columns that are NULL in most chunks. */
const SELDOM: Record<string, (one: Written) => string | null> = {
  display_name: (one) => (one.kind === 'invalid' ? null : one.name),
  data: (one) => (one.kind === 'invalid' ? null : one.json),
  error_code: (one) => (one.kind === 'invalid' ? one.reason : null),
  error_text: (one) => (one.kind === 'invalid' ? one.text : null),
};

/** `address_key` of a row. For an invalid entry it is made from the idx, so that each invalid entry has a row and is counted. */
export function rowKeyOf(one: Written): string {
  return one.kind === 'invalid' ? `invalid:${one.idx}` : one.key;
}

/** What happens to a recipient that is in the mailing already: 'new ones' drops it, 'all' makes it an error. */
export type InsertMode = 'new ones' | 'all';

/**
 * Writes one chunk of recipients with one multi-row insert per table. The unique key drops a recipient that is in the mailing already. The caller,
 * `writeRecipients`, checks that nothing else was dropped or changed.
 *
 * - Lock order: after the mailing's row (`fenceLoading`); rows in order of the primary key, so inserts append.
 * - The database finds the duplicates, so a list of any length is checked in constant memory.
 * - Columns that are NULL in the whole chunk are left out: each value costs client and server about as much as a short text.
 * - Rejected: a query for existing recipients first, one more statement per chunk; a set in memory, which grows with the list; JSON_TABLE over one
 *   parameter and prepared statements, which are hardly faster if at all (docs/performance.md).
 *
 * @returns the numbers of new rows and of warnings, over both tables.
 */
export async function insertRecipients(
  session: Session,
  mailingId: string,
  recipients: readonly NumberedRecipient[],
  mode: InsertMode = 'new ones',
): Promise<Inserted> {
  const insert = insertOf(session, mode);
  const profiles = recipients.filter((one) => one.kind === 'profile');
  const addresses = recipients.filter((one) => one.kind !== 'profile');
  const done: Inserted[] = [];
  if (profiles.length > 0) {
    done.push(
      await insert(
        `${session.tables.userMailing} (${columnsOf('userMailing').join(', ')})`,
        profiles.map(() => `(?, ?, ?, 'pending', ${session.dialect.now})`).join(', '),
        profiles.flatMap((one) => [mailingId, one.idx, one.userId]),
      ),
    );
  }
  if (addresses.length > 0) done.push(await insertAddresses(session, mailingId, addresses, insert));
  return {
    numRows: done.reduce((sum, { numRows }) => sum + numRows, 0),
    numWarnings: done.reduce((sum, { numWarnings }) => sum + numWarnings, 0),
  };
}

type Insert = (into: string, rows: string, parameters: unknown[]) => Promise<Inserted>;

function insertOf(session: Session, mode: InsertMode): Insert {
  const statement = (into: string, rows: string): string =>
    mode === 'all' ? `INSERT INTO ${into} VALUES ${rows}` : session.dialect.insertIgnore(into, rows);
  return (into, rows, parameters) => session.insert(statement(into, rows), parameters);
}

function insertAddresses(
  session: Session,
  mailingId: string,
  addresses: Written[],
  insert: Insert,
): Promise<Inserted> {
  const seldom = Object.entries(SELDOM).filter(([, read]) => addresses.some((one) => read(one) !== null));
  const some = ', ?'.repeat(seldom.length);
  const pending = `(?, ?, ?, ?, 'pending', ${session.dialect.now}${some})`;
  const skipped = `(?, ?, ?, ?, 'skipped', ${session.dialect.now}${some})`;
  const parameters: unknown[] = [];
  for (const one of addresses) {
    const shown = one.kind === 'invalid' ? one.shownAs : one.email;
    parameters.push(mailingId, one.idx, shown, rowKeyOf(one));
    for (const [, read] of seldom) parameters.push(read(one));
  }
  const columns = columnsOf('emailAddress').concat(seldom.map(([column]) => column));
  return insert(
    `${session.tables.emailAddress} (${columns.join(', ')})`,
    addresses.map((one) => (one.kind === 'invalid' ? skipped : pending)).join(', '),
    parameters,
  );
}

/** Columns of every new row, in the order of its values. */
function columnsOf(source: RecipientTable): string[] {
  const own = source === 'emailAddress' ? ['address_key'] : [];
  return ['mailing_id', 'idx', NAME_COLUMN_OF[source], ...own, 'status', 'changed_at'];
}
