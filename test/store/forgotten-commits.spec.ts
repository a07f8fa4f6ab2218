import { afterEach, beforeEach, expect, it } from 'vitest';
import { noFaultPoints } from '../../libs/mailing/src/model/ports/fault-points.js';
import { DatabaseBehindError } from '../../libs/mailing/src/model/errors/database-behind.error.js';
import type { Outcome } from '../../libs/mailing/src/model/states/outcome.js';
import { ForgottenCommits } from '../../libs/mailing/src/store/recovery/forgotten-commits.js';
import type { HeldClaim } from '../../libs/mailing/src/store/ledger/held-claim.js';
import { MailingClaims } from '../../libs/mailing/src/store/claims/mailing-claims.js';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { MailingLedger } from '../../libs/mailing/src/store/ledger/mailing.ledger.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { type StoredProgress, readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { livingServer } from '../support/databases/living-server.js';
import { NUM_FORGOTTEN, restoreAll, sentAndForgotten } from '../support/databases/sent-and-forgotten.js';
import { writtenList } from '../support/databases/written-list.js';

const SERVER = 'test:1';
const QUIET = { outcomes: [], deferred: [], returned: [], capacity: 0, inFlight: 0, release: null };

forEachDatabase('commits that the database lost in a failover', (kind) => {
  let fresh: FreshDatabase;
  /** The process that made the commits. */
  let ours: MailingDatabase;
  let forgotten: ForgottenCommits;
  let mailingId: string;

  beforeEach(async () => {
    fresh = await freshDatabase(kind);
    ours = remembering(0);
    forgotten = new ForgottenCommits(ours);
    mailingId = await written();
    await livingServer(fresh.dataSource, SERVER, 'ours');
  });
  afterEach(() => fresh.dispose());

  function remembering(lagTimeoutMs: number): MailingDatabase {
    const memory = { memoryMs: 60_000, lagTimeoutMs };
    return new MailingDatabase(fresh.dataSource, noFaultPoints, 0, undefined, memory);
  }

  const written = (): Promise<string> =>
    writtenList(new TemplateEmailPersister(new MailingDatabase(fresh.dataSource)), SERVER, 1_000);

  async function claimed(database: MailingDatabase, token: string, id = mailingId): Promise<HeldClaim> {
    const claim = await new MailingClaims(database).claim(id, SERVER, token);
    if (!claim) throw new Error('The mailing could not be claimed.');
    return claim;
  }

  /** Our commits and our claim are lost, and another process has claimed the mailing. */
  async function claimedByOthers(): Promise<MailingLedger> {
    await sentAndForgotten(ours, fresh.dataSource, await claimed(ours, 'ours#1'));
    await fresh.dataSource.query(
      `UPDATE dps_mailing SET status = 'pending', claim_token = NULL WHERE id = '${mailingId}'`,
    );
    await livingServer(fresh.dataSource, SERVER, 'theirs');
    const theirs = new MailingDatabase(fresh.dataSource);
    return new MailingLedger(theirs, await claimed(theirs, 'theirs#1'));
  }

  const progress = (): Promise<StoredProgress> => readProgress(fresh.dataSource, mailingId);
  const sent = (idx: number): Outcome => ({ idx, status: 'sent', code: null, text: null });

  async function restored(): Promise<{ numKnown: number; numInFlight: number }> {
    const [behind] = await forgotten.find();
    const found = await forgotten.restore({ ...behind, uniqServerId: SERVER, claimToken: 'ours#9' });
    return found!.restored;
  }

  it('are restored when another process has continued from the older state, under the same numbers', async () => {
    const ledger = await claimedByOthers();
    await ledger.commit({ ...QUIET, capacity: 20, inFlight: 20 });
    await ledger.commit({ ...QUIET, outcomes: [0, 1, 2].map(sent), capacity: 3, inFlight: 17 });
    await livingServer(fresh.dataSource, SERVER, 'ours');

    expect(await restored()).toMatchObject({ numInFlight: 0 });
    const { byStatus, mailing } = await progress();
    expect(byStatus).toEqual({ sent: NUM_FORGOTTEN, pending: 1_000 - NUM_FORGOTTEN });
    expect(mailing.numSent).toBe(NUM_FORGOTTEN);
    expect(await ledger.commit({ ...QUIET, capacity: 0, inFlight: 20 })).toEqual({ kind: 'fenced' });
  });

  it('leave recipients in doubt that the other process may have begun', async () => {
    const ledger = await claimedByOthers();
    await ledger.commit({ ...QUIET, capacity: NUM_FORGOTTEN + 5, inFlight: 0 });
    await livingServer(fresh.dataSource, SERVER, 'ours');

    expect(await restored()).toMatchObject({ numKnown: NUM_FORGOTTEN, numInFlight: 5 });
    const found = await progress();
    expect(found.byStatus).toMatchObject({ sent: NUM_FORGOTTEN, in_doubt: 5 });
    expect(found.mailing).toMatchObject({ numSent: NUM_FORGOTTEN, numErrors: 5, status: 'pausing' });
  });

  it('put recipients in doubt and pause the mailing, in one transaction, if a run did not record all that it knows', async () => {
    const claim = await claimed(ours, 'ours#1');
    const ledger = new MailingLedger(ours, claim);
    ours.commits.beginRun(claim);
    await ledger.commit({ ...QUIET, capacity: 20, inFlight: 0 });
    await ledger.commit({ ...QUIET, outcomes: [0, 1].map(sent), capacity: 0, inFlight: 18 });
    ours.commits.endRun(claim, 'unrecorded');
    await fresh.dataSource.query(
      `UPDATE dps_email_address SET status = 'pending' WHERE mailing_id = '${mailingId}'`,
    );
    await fresh.dataSource.query(
      `UPDATE dps_mailing SET commit_seq = commit_seq - 1, num_sent = 0, low_water_idx = 0 WHERE id = '${mailingId}'`,
    );
    expect(await restored()).toMatchObject({ numKnown: 2, numInFlight: 18 });
    const { byStatus, mailing } = await progress();
    expect(byStatus).toMatchObject({ sent: 2, in_doubt: 18 });
    expect(mailing).toMatchObject({ status: 'pausing' });
    expect(mailing.statusReason).toMatch(/^database rewound: 2 recipients .* 18 are in doubt/);
  });

  it('of a mailing that is over in the older state are dropped and not looked for any more', async () => {
    await sentAndForgotten(ours, fresh.dataSource, await claimed(ours, 'ours#1'));
    await fresh.dataSource.query(
      `UPDATE dps_mailing SET status = 'canceled', claim_token = NULL WHERE id = '${mailingId}'`,
    );
    expect(await restoreAll(ours, SERVER, 'ours')).toEqual([]);
    expect(ours.commits.all()).toEqual([]);
  });

  it('are detected although the mailing with the last commit is gone', async () => {
    await sentAndForgotten(ours, fresh.dataSource, await claimed(ours, 'ours#1'));
    const other = await written();
    const claim = await claimed(ours, 'ours#2', other);
    await new MailingLedger(ours, claim).commit({ ...QUIET, capacity: 1, inFlight: 0 });
    for (const table of ['dps_email_address', 'dps_mailing'])
      await fresh.dataSource.query(
        `DELETE FROM ${table} WHERE ${table === 'dps_mailing' ? 'id' : 'mailing_id'} = '${other}'`,
      );
    const found = await forgotten.find();
    expect(found.map(({ memory }) => memory.slice.mailingId)).toEqual([mailingId]);
  });

  it('count as replication lag at first, also if a whole mailing is missing', async () => {
    const patient = remembering(60_000);
    const hasty = remembering(0);
    const claim = await claimed(patient, 'ours#1');
    const ledgers = [new MailingLedger(patient, claim), new MailingLedger(hasty, claim)];
    for (const table of ['dps_email_address', 'dps_mailing'])
      await fresh.dataSource.query(
        `DELETE FROM ${table} WHERE ${table === 'dps_mailing' ? 'id' : 'mailing_id'} = '${mailingId}'`,
      );
    await expect(ledgers[0].commit({ ...QUIET, capacity: 1 })).rejects.toThrow(DatabaseBehindError);
    expect(await ledgers[1].commit({ ...QUIET, capacity: 1 })).toEqual({ kind: 'rewound' });
  });
});
