import { RefusedRowError } from '../../model/errors/dropped-row.error.js';
import type { InvalidEntry } from '../../model/mail/listed-recipient.js';
import type { NumberedRecipient, WrittenChunk } from '../../model/ports/mailing.persister.js';
import type { Session } from '../database/mailing.database.js';
import { areAllAccountedFor, findKeys, keyOfRecipient } from './account-for-rows.js';
import { insertBisecting } from './insert-bisecting.js';
import { insertRecipients } from './insert-recipients.js';

/** A row that is no duplicate is missing, or a value was changed. The chunk must be rolled back. */
export class RowsUnaccountedForError extends Error {
  constructor() {
    super('The database dropped or changed rows of a list without an error.');
  }
}

/**
 * Writes one chunk of recipients in the fast way: one statement per table, and no more if all rows are new.
 *
 * Invariant: a recipient has no row only if another recipient with the same key has one.
 *
 * - MySQL and MariaDB report one warning for each row that they drop and for each value that they change, so more warnings than missing rows mean a
 *   changed value. On every database, each missing row must be a duplicate.
 *
 * @throws RowsUnaccountedForError if a missing row is no duplicate, or if a value was changed; any error of the database.
 */
export async function writeRecipients(
  session: Session,
  mailingId: string,
  recipients: readonly NumberedRecipient[],
): Promise<WrittenChunk> {
  const { numRows, numWarnings } = await insertRecipients(session, mailingId, recipients);
  const numMissing = recipients.length - numRows;
  const isWhole =
    numWarnings <= numMissing &&
    (numMissing === 0 || (await areAllAccountedFor(session, mailingId, recipients)));
  if (!isWhole) throw new RowsUnaccountedForError();
  return { numWritten: numRows, numRefused: 0 };
}

/**
 * Writes one chunk in the slow way, after the fast one was refused. It queries which recipients are duplicates, inserts the others so that every
 * error shows, and writes each row that the database refuses as skipped.
 *
 * Of several recipients with one key, the first one that the database accepts counts; a later one is tried if an earlier one was refused.
 *
 * @throws RefusedRowError if even the skipped row is refused; errors of the database that are not about a row.
 */
export async function writeRecipientsOneByOne(
  session: Session,
  mailingId: string,
  recipients: readonly NumberedRecipient[],
): Promise<WrittenChunk> {
  const insert = (rows: NumberedRecipient[]) => insertRecipients(session, mailingId, rows, 'all');
  const refused: NumberedRecipient[] = [];
  let numTaken = 0;
  for (let open = recipients; open.length > 0;) {
    const taken = await findKeys(session, mailingId, open);
    const { first, later } = firstOfEach(open, taken);
    const refusedNow = await insertBisecting(session, first, insert);
    refused.push(...refusedNow);
    numTaken += first.length - refusedNow.length;
    open = later;
  }
  for (const one of refused) await writeRefused(session, one, insert);
  const numRefused = refused.filter(({ kind }) => kind !== 'invalid').length;
  return { numWritten: numTaken + refused.length, numRefused };
}

/** @param taken keys that are in the mailing already; a recipient with one of them is a duplicate, and left out. */
function firstOfEach(
  recipients: readonly NumberedRecipient[],
  taken: Set<string>,
): { first: NumberedRecipient[]; later: NumberedRecipient[] } {
  const first: NumberedRecipient[] = [];
  const later: NumberedRecipient[] = [];
  const seen = new Set<string>();
  for (const one of recipients) {
    const key = keyOfRecipient(one);
    if (taken.has(key)) continue;
    if (seen.has(key)) later.push(one);
    else first.push(one);
    seen.add(key);
  }
  return { first, later };
}

/** Writes a refused recipient as skipped. Its displayed text may be what the database refuses, so the second attempt leaves it empty. */
async function writeRefused(
  session: Session,
  one: NumberedRecipient,
  insert: Parameters<typeof insertBisecting<NumberedRecipient>>[2],
): Promise<void> {
  const entry = entryOf(one);
  for (const shownAs of [entry.shownAs, '']) {
    const row = { ...entry, shownAs, idx: one.idx };
    if ((await insertBisecting<NumberedRecipient>(session, [row], insert)).length === 0) return;
  }
  throw new RefusedRowError('dps_email_address', one.idx);
}

function entryOf(one: NumberedRecipient): InvalidEntry {
  if (one.kind === 'invalid') return one;
  return {
    kind: 'invalid',
    shownAs: one.kind === 'profile' ? one.userId : one.email,
    reason: 'not_storable',
    text: 'The database refuses to store this recipient as it was given.',
  };
}
