import { Mailing, MailServer } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { readerAddress, readerAddresses } from '../support/hosts/reader-list.js';
import { waitUntil } from '../support/wait-until.js';
import { HeldAnswers } from './processes/held-answers.js';
import { assertPromiseKept } from './processes/promise.js';
import { ServiceRig } from './processes/service-rig.js';

/** Five heartbeats, longer than a busy machine delays a process. */
const LEASE_MS = 1_500;
const ANY_SERVER = { MAILING_MIGRATION_LIST: '*' };

forEachDatabase('the claim of a mailing', (kind) => {
  const rig = ServiceRig.forEachTest(kind);

  it('A6 is kept while a message takes three leases, because the heartbeat does not wait for it', async () => {
    const slow = readerAddress(20);
    const held = new HeldAnswers(({ to }) => to[0] === slow);
    rig.inbox.answer = (step) => held.at(step);
    const env = {
      ...ANY_SERVER,
      MAILING_HEARTBEAT_INTERVAL_MS: String(LEASE_MS / 5),
      MAILING_LEASE_MS: String(LEASE_MS),
    };
    const [owner, other] = await Promise.all(
      ['owner:1', 'other:2'].map((serverId) => rig.start({ serverId, env })),
    );
    const mailingId = await owner.send(60);
    const claim = async (): Promise<unknown> => {
      const { uniqServerId, claimToken } = await rig.database.dataSource
        .getRepository(Mailing)
        .findOneByOrFail({ id: mailingId });
      return { uniqServerId, claimToken };
    };
    const server = (): Promise<MailServer> =>
      rig.database.dataSource.getRepository(MailServer).findOneByOrFail({ uniqServerId: 'owner:1' });

    // All other recipients are settled, so only the heartbeat goes on.
    await rig.inbox.waitFor(60);
    await waitUntil(() => held.recipients.length === 1, { what: 'the slow one' });
    const [claimBefore, serverBefore] = [await claim(), await server()];
    // By the database's clock, which judges leases.
    const age = async (): Promise<number> =>
      (await server()).lastUpdated.getTime() - serverBefore.lastUpdated.getTime();
    await waitUntil(async () => (await age()) >= 3 * LEASE_MS, {
      what: 'the lease to be renewed for so long',
    });
    expect(await claim()).toEqual(claimBefore);
    expect((await server()).incarnation).toBe(serverBefore.incarnation);

    held.release();
    await owner.completed(mailingId);
    expect(await claim()).toMatchObject({ uniqServerId: 'owner:1' });
    expect([other.countOf('mailing:adopted'), other.countOf('run:recovered')]).toEqual([0, 0]);
    expect([owner.countOf('run:fenced'), owner.countOf('server:registered')]).toEqual([0, 1]);
    const progress = await readProgress(rig.database.dataSource, mailingId);
    assertPromiseKept({ progress, inbox: rig.inbox, recipients: readerAddresses(60), crashes: 0 });
    expect(held.recipients).toEqual([slow]);
  });

  it('A14 goes to one of four processes that start at the same moment, when its server is dead', async () => {
    const dead = await rig.start({ serverId: 'dead:0' });
    const mailingId = await dead.send(300);
    await rig.inbox.waitFor(40);
    await dead.kill();

    // A dead process on the same host is detected at once; the four starting ones must not be taken for dead.
    const env = { ...ANY_SERVER, MAILING_LEASE_MS: '20000' };
    const heirs = await Promise.all(
      ['a:1', 'b:2', 'c:3', 'd:4'].map((serverId) => rig.start({ serverId, env })),
    );
    await heirs[0].completed(mailingId);
    const total = (name: 'mailing:adopted' | 'run:recovered' | 'run:fenced'): number =>
      heirs.reduce((sum, heir) => sum + heir.countOf(name), 0);
    await waitUntil(() => heirs.some((heir) => heir.countOf('run:ended') > 0), {
      what: 'the claim holder to report',
    });
    expect([total('mailing:adopted'), total('run:recovered'), total('run:fenced')]).toEqual([1, 1, 0]);
    const progress = await readProgress(rig.database.dataSource, mailingId);
    const { inDoubt } = assertPromiseKept({
      progress,
      inbox: rig.inbox,
      recipients: readerAddresses(300),
      crashes: 1,
    });
    const owner = heirs.find((heir) => heir.countOf('run:recovered') === 1)!;
    expect(await owner.reported('run:recovered')).toMatchObject({ mailingId, numInDoubt: inDoubt });
  });
});
