import { LONGEST_ERROR_TEXT, type Outcome } from '../../model/outcome.js';
import type { Session } from '../mailing.database.js';
import { placeholders } from './placeholders.js';
import { amongPlaces } from './among-places.js';

const LONGEST_CODE = 64;

/**
 * Writes the outcomes of one beat to one recipient table, in one statement for those sent and one for all others.
 *
 * - Lock order: after the mailing's row (`fenceBeat`); recipients in order of the primary key.
 * - Index: primary key `(mailing_id, idx)`; checked by `test/db/plans.spec.ts`.
 * - `status = 'sending'` guards each row: an outcome is written once. The caller compares the returned count.
 * - Rejected: one update a recipient, a statement a message; a temporary table to join with, two statements more and
 *   a privilege that hosts do not always grant.
 *
 * @returns how many rows were settled.
 */
export async function writeOutcomes(
  session: Session,
  table: string,
  mailingId: string,
  outcomes: Outcome[],
): Promise<number> {
  const sent = outcomes.filter((one) => one.status === 'sent');
  const others = outcomes.filter((one) => one.status !== 'sent');
  return (
    (await writeSent(session, table, mailingId, sent)) +
    (await writeOthers(session, table, mailingId, others))
  );
}

async function writeSent(
  session: Session,
  table: string,
  mailingId: string,
  sent: Outcome[],
): Promise<number> {
  if (sent.length === 0) return 0;
  const places = sent.map((one) => one.idx);
  const settled = amongPlaces(mailingId, places, `status = 'sending'`);
  return session.change(
    `UPDATE ${table} SET status = 'sent', attempts = attempts + 1, changed_at = ${session.dialect.now},
       error_code = NULL, error_text = NULL
     WHERE ${settled.sql}`,
    settled.parameters,
  );
}

async function writeOthers(
  session: Session,
  table: string,
  mailingId: string,
  others: Outcome[],
): Promise<number> {
  if (others.length === 0) return 0;
  const indexes = others.map((one) => one.idx);
  const perRow = (value: (one: Outcome) => unknown) => ({
    sql: `CASE idx ${others.map(() => 'WHEN ? THEN ?').join(' ')} END`,
    parameters: others.flatMap((one) => [one.idx, value(one)]),
  });
  const status = perRow((one) => one.status);
  // A number that is added needs a type, and a parameter inside CASE has none.
  const attempts = `CASE idx ${others.map((one) => `WHEN ? THEN ${one.status === 'skipped' ? 0 : 1}`).join(' ')} END`;
  const code = perRow((one) => one.code?.slice(0, LONGEST_CODE) ?? null);
  const text = perRow((one) => one.text?.slice(0, LONGEST_ERROR_TEXT) ?? null);
  return session.change(
    `UPDATE ${table} SET attempts = attempts + ${attempts}, error_code = ${code.sql}, error_text = ${text.sql},
       changed_at = ${session.dialect.now}, status = ${status.sql}
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = 'sending'`,
    [...indexes, ...code.parameters, ...text.parameters, ...status.parameters, mailingId, ...indexes],
  );
}
