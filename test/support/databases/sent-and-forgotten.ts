import type { DataSource } from 'typeorm';
import { ForgottenCommits } from '../../../libs/mailing/src/store/recovery/forgotten-commits.js';
import type { InFlightRecipients, HeldClaim } from '../../../libs/mailing/src/store/ledger/held-claim.js';
import type { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { MailingLedger } from '../../../libs/mailing/src/store/ledger/mailing.ledger.js';
import { progressRowOf } from '../../../libs/mailing/src/store/database/progress-row.js';

const COMMITS = 4;
const PER_COMMIT = 20;
/** Recipients whose commits are lost. */
export const NUM_FORGOTTEN = COMMITS * PER_COMMIT;

const COLUMNS =
  'status, claim_token, commit_seq, low_water_idx, next_idx, high_water_idx, num_sent, num_errors, num_skipped';

/** Sends to the first recipients of a claimed slice, and restores the state from before, as a failover to a lagging standby does. */
export async function sentAndForgotten(
  database: MailingDatabase,
  dataSource: DataSource,
  claim: HeldClaim,
): Promise<void> {
  const progress = progressRowOf(database, claim);
  const [before] = await database.rows<Record<string, string | number>>(
    `SELECT ${COLUMNS} FROM ${progress.table} WHERE ${progress.sql}`,
    progress.parameters,
  );
  const ledger = new MailingLedger(database, claim);
  const quiet = { outcomes: [], deferred: [], returned: [], inFlight: PER_COMMIT, release: null };
  let answer = await ledger.commit({ ...quiet, capacity: PER_COMMIT });
  for (let commit = 0; commit < COMMITS; commit++) {
    if (answer.kind !== 'continue') throw new Error(`The commit was answered with ${answer.kind}.`);
    const outcomes = answer.marked.map(({ idx }) => ({
      idx,
      status: 'sent' as const,
      code: null,
      text: null,
    }));
    const isLast = commit === COMMITS - 1;
    answer = await ledger.commit({ ...quiet, outcomes, capacity: isLast ? 0 : PER_COMMIT });
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

/** Restores every commit that the database lost, as a process does after a failover. @returns the result by slice. */
export async function restoreAll(
  database: MailingDatabase,
  uniqServerId: string,
  incarnation: string,
): Promise<InFlightRecipients[]> {
  const forgotten = new ForgottenCommits(database);
  await forgotten.reserve(uniqServerId, incarnation);
  const found: InFlightRecipients[] = [];
  for (const [n, behind] of (await forgotten.find()).entries()) {
    const claimToken = `${incarnation}#again${n}`;
    const slice = await forgotten.restore({ ...behind, uniqServerId, claimToken });
    if (slice) found.push(slice.restored);
  }
  return found;
}
