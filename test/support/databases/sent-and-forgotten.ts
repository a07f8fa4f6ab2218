import type { DataSource } from 'typeorm';
import { ForgottenCommits } from '../../../libs/mailing/src/store/claims/forgotten-commits.js';
import type { Caught, HeldClaim } from '../../../libs/mailing/src/store/ledger/held-claim.js';
import type { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { MailingLedger } from '../../../libs/mailing/src/store/ledger/mailing.ledger.js';
import { booksOf } from '../../../libs/mailing/src/store/database/slice-books.js';

const COMMITS = 4;
const PER_COMMIT = 20;
/** Recipients that were sent to in commits that are gone. */
export const NUM_FORGOTTEN = COMMITS * PER_COMMIT;

const COLUMNS =
  'status, claim_token, beat, settled_idx, next_idx, reach_idx, num_sent, num_errors, num_skipped';

/** Sends to the first recipients of a claimed slice, and puts the state back from before, as a failover to a standby that lags does. */
export async function sentAndForgotten(
  database: MailingDatabase,
  dataSource: DataSource,
  claim: HeldClaim,
): Promise<void> {
  const progress = booksOf(database, claim);
  const [before] = await database.rows<Record<string, string | number>>(
    `SELECT ${COLUMNS} FROM ${progress.table} WHERE ${progress.sql}`,
    progress.parameters,
  );
  const ledger = new MailingLedger(database, claim);
  const quiet = { outcomes: [], deferred: [], returned: [], remaining: PER_COMMIT, release: null };
  let answer = await ledger.beat({ ...quiet, free: PER_COMMIT });
  for (let commit = 0; commit < COMMITS; commit++) {
    if (answer.kind !== 'go_on') throw new Error(`The commit was answered with ${answer.kind}.`);
    const outcomes = answer.marked.map(({ idx }) => ({
      idx,
      status: 'sent' as const,
      code: null,
      text: null,
    }));
    const isLast = commit === COMMITS - 1;
    answer = await ledger.beat({ ...quiet, outcomes, free: isLast ? 0 : PER_COMMIT });
  }
  const plain = database.tables.emailAddress;
  await dataSource.transaction(async ({ queryRunner }) => {
    await queryRunner!.query(
      `UPDATE ${plain} SET status = 'pending', attempts = 0 WHERE mailing_id = '${claim.mailingId}' AND status = 'sent' AND idx >= ${before.next_idx}`,
    );
    const columns = Object.entries(before).map(
      ([name, value]) => `${name} = ${value === null ? 'NULL' : `'${value}'`}`,
    );
    const key = claim.batch
      ? `mailing_id = '${claim.mailingId}' AND start_idx = ${claim.batch.startIdx}`
      : `id = '${claim.mailingId}'`;
    await queryRunner!.query(`UPDATE ${progress.table} SET ${columns.join(', ')} WHERE ${key}`);
  });
}

/** Has all that the database has forgotten written again, as a process does that comes to another server. @returns what it came to, by slice. */
export async function restoreAll(
  database: MailingDatabase,
  uniqServerId: string,
  incarnation: string,
): Promise<Caught[]> {
  const forgotten = new ForgottenCommits(database);
  await forgotten.reserve(uniqServerId, incarnation);
  const found: Caught[] = [];
  for (const [n, behind] of (await forgotten.find()).entries()) {
    const claimToken = `${incarnation}#again${n}`;
    const slice = await forgotten.restore({ ...behind, uniqServerId, claimToken });
    if (slice) found.push(slice.restored);
  }
  return found;
}
