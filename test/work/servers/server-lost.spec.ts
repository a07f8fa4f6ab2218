import { AsyncLocalStorage } from 'node:async_hooks';
import { type MailingEventMap, MailServer } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { MAILING_SETTINGS } from '../../../libs/mailing/src/model/options/mailing-options.js';
import type { CommitAnswer } from '../../../libs/mailing/src/model/ports/ledger.js';
import { MailingClaims } from '../../../libs/mailing/src/store/claims/mailing-claims.js';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { TemplateEmailPersister } from '../../../libs/mailing/src/store/intake/template-email.persister.js';
import { ServerMembership } from '../../../libs/mailing/src/work/servers/server-membership.js';
import { HeldAnswers } from '../../crash/processes/held-answers.js';
import { assertAllSentInBatches, sendBatched, TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';
import { holdMessagesAfter } from '../../support/network/hold-messages.js';
import { waitUntil } from '../../support/wait-until.js';

forEachDatabase('a server that is declared dead', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('F2 while its claim is being committed, registers again and sends the mailing', async () => {
    const app = await rig.boot();
    let lost = 0;
    app.events.on('server:lost', () => lost++);
    const claims = app.nest.get(MailingClaims, { strict: false });
    const claim = claims.claim.bind(claims);
    claims.claim = async (...parts) => {
      claims.claim = claim;
      const held = await claim(...parts);
      await rig.database.dataSource.getRepository(MailServer).delete({ uniqServerId: 'test:1' });
      await waitUntil(() => lost === 1, { what: 'the server to notice' });
      return held;
    };
    const mailingId = await rig.send(app, 5);
    await rig.reached(mailingId, 'completed');
    expect(lost).toBe(1);
    await rig.assertAllSent(mailingId, 5);
  });

  it('F2 in the middle of a mailing, stops its run before the next message, and recovers the mailing as any dead one', async () => {
    const app = await rig.boot();
    const ends: string[] = [];
    app.events.on('run:fenced', () => ends.push('lost'));
    app.events.on('run:recovered', () => ends.push('recovered'));
    app.events.on('server:lost', holdMessagesAfter(rig.inbox, 30));
    const mailingId = await rig.send(app, 200);
    await rig.inbox.waitFor(31);
    await rig.database.dataSource.getRepository(MailServer).delete({ uniqServerId: 'test:1' });
    await rig.reached(mailingId, 'completed');
    expect(ends).toEqual(['lost', 'recovered']);
    const { byStatus } = await rig.progress(mailingId);
    expect(byStatus.in_doubt ?? 0).toBeLessThanOrEqual(10);
    expect((byStatus.sent ?? 0) + (byStatus.in_doubt ?? 0)).toBe(200);
    expect([...rig.inbox.countsByRecipient().values()].every((copies) => copies === 1)).toBe(true);
  });

  it('F2 while the database is out of its reach, and with it the answer to a commit: nothing is in doubt, and no recipient gets a second copy', async () => {
    const app = await rig.boot({ inDoubt: 'resend' });
    const database = app.nest.get(MailingDatabase, { strict: false });
    const transaction = database.transaction.bind(database) as MailingDatabase['transaction'];
    const inHeartbeat = new AsyncLocalStorage<boolean>();
    const membership = app.nest.get(ServerMembership, { strict: false });
    const heartbeat = membership.heartbeat.bind(membership);
    membership.heartbeat = () => inHeartbeat.run(true, heartbeat);
    let isOutOfReach = false;
    database.transaction = async (steps) => {
      if (isOutOfReach && !inHeartbeat.getStore()) throw new Error('no network');
      const result = await transaction(steps);
      const { answer } = { ...(result as { answer?: CommitAnswer }) };
      if (rig.inbox.messages.length < 30 || answer?.kind !== 'continue' || answer.marked.length === 0)
        return result;
      isOutOfReach = true;
      throw new Error('no network');
    };
    const recovered: MailingEventMap['run:recovered'][] = [];
    app.events.on('run:recovered', (facts) => recovered.push(facts));
    const retried = new Promise<unknown>((resolve) => app.events.on('run:commit-retried', resolve));
    const lost = new Promise<unknown>((resolve) => app.events.on('server:lost', resolve));
    const mailingId = await rig.send(app, 200);
    await retried;
    await rig.database.dataSource.getRepository(MailServer).delete({ uniqServerId: 'test:1' });
    await lost;
    database.transaction = transaction;
    await rig.reached(mailingId, 'completed');
    expect(recovered).toEqual([expect.objectContaining({ mailingId, numInDoubt: 0 })]);
    await rig.assertAllSent(mailingId, 200);
  });

  it('F2 starts no message after it knows, and registers again at once under a new incarnation', async () => {
    const app = await rig.boot({ server: { heartbeatIntervalMs: 100, leaseMs: 60_000 } });
    const settings = app.nest.get(MAILING_SETTINGS, { strict: false });
    const tape: string[] = [];
    const held = new HeldAnswers(() => rig.inbox.messages.length > 30);
    rig.inbox.answer = async (step) => {
      if (step.command === 'MAIL') tape.push('a message');
      await held.at(step);
    };
    for (const name of ['server:lost', 'run:fenced', 'server:registered', 'run:recovered'] as const) {
      app.events.on(name, () => tape.push(name));
    }
    // No later heartbeat can do what this one is to do at once.
    app.events.on('server:lost', () => (settings.server.heartbeatIntervalMs = 600_000));

    const mailingId = await rig.send(app, 200);
    // All that may be in flight is: every message that was started before has arrived.
    await waitUntil(() => held.recipients.length === 5, { what: 'five messages without an answer' });
    const servers = rig.database.dataSource.getRepository(MailServer);
    const before = await servers.findOneByOrFail({});
    await servers.delete({ uniqServerId: 'test:1' });
    await waitUntil(() => tape.includes('server:lost'), { what: 'the server to notice' });
    held.release();
    await rig.reached(mailingId, 'completed');

    const since = tape.slice(tape.indexOf('server:lost'));
    expect(since.slice(0, 4)).toEqual(['server:lost', 'run:fenced', 'server:registered', 'run:recovered']);
    expect((await servers.findOneByOrFail({})).incarnation).not.toBe(before.incarnation);
    expect([...rig.inbox.countsByRecipient().values()].every((copies) => copies === 1)).toBe(true);
    expect((await rig.progress(mailingId)).byStatus.in_doubt ?? 0).toBeLessThanOrEqual(5);
  });

  it('F2 with a batch whose run hangs, claims that batch again', async () => {
    const app = await rig.boot({ ...TAKES_BATCHES, server: { heartbeatIntervalMs: 100, leaseMs: 5_000 } });
    const persister = app.nest.get(TemplateEmailPersister, { strict: false });
    const readMailing = persister.readMailing.bind(persister);
    let answer = (): void => undefined;
    const hangs = new Promise<void>((resolve) => (answer = resolve));
    let isAsked = false;
    persister.readMailing = async (id) => {
      persister.readMailing = readMailing;
      isAsked = true;
      await hangs;
      return readMailing(id);
    };
    try {
      const mailingId = await sendBatched(app, 15);
      await waitUntil(() => isAsked, { what: 'the batch to be claimed' });
      await rig.database.dataSource.getRepository(MailServer).delete({ uniqServerId: 'test:1' });
      await rig.reached(mailingId, 'completed');
      await assertAllSentInBatches(rig, mailingId, 15);
    } finally {
      answer();
    }
  });
});
