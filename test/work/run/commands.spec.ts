import { Mailing, MailServer, type Recipient } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { CommandPersister } from '../../../libs/mailing/src/store/commands/command.persister.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';
import { holdMessagesAfter } from '../../support/network/hold-messages.js';

forEachDatabase('commands of a user', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('A23 no message starts after pause resolves; only those in flight are sent', async () => {
    const app = await rig.boot();
    const mailingId = await rig.send(app, 300);
    await rig.inbox.waitFor(40);
    expect(['pausing', 'paused']).toContain(await app.sender.pause(mailingId));
    const atReturn = rig.inbox.messages.length;
    const paused = await rig.reached(mailingId, 'paused');
    expect(rig.inbox.messages.length - atReturn).toBeLessThanOrEqual(5);
    expect(paused).toMatchObject({
      statusReason: 'by request',
      numSent: rig.inbox.messages.length,
      claimToken: null,
    });
    const { byStatus } = await rig.progress(mailingId);
    expect(byStatus).toEqual({ sent: rig.inbox.messages.length, pending: 300 - rig.inbox.messages.length });

    await app.sender.resume(mailingId);
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 300);
  });

  it('A23 a pause from another server takes effect within one commit', async () => {
    const owner = await rig.boot();
    const other = await rig.boot({ uniqServerId: 'test:2' });
    const mailingId = await rig.send(owner, 300);
    await rig.inbox.waitFor(40);
    await other.sender.pause(mailingId);
    await rig.reached(mailingId, 'paused');
    expect(rig.inbox.messages.length).toBeLessThan(300);
    const { mailing } = await rig.progress(mailingId);
    expect(mailing.numSent).toBe(rig.inbox.messages.length);
    // Resumed on that server, it continues there.
    await other.sender.resume(mailingId);
    expect((await rig.reached(mailingId, 'completed')).uniqServerId).toBe('test:2');
    await rig.assertAllSent(mailingId, 300);
  });

  it('A15 twenty resumes at once, on two servers, start one run', async () => {
    const servers = [await rig.boot(), await rig.boot({ uniqServerId: 'test:2' })];
    let started = 0;
    for (const { events } of servers) events.on('run:started', () => started++);
    const mailingId = await rig.send(servers[0], 300);
    await rig.inbox.waitFor(20);
    await servers[0].sender.pause(mailingId);
    await rig.reached(mailingId, 'paused');
    await Promise.all(Array.from({ length: 20 }, (_, n) => servers[n % 2].sender.resume(mailingId)));
    await rig.reached(mailingId, 'completed');
    expect(started).toBe(2);
    await rig.assertAllSent(mailingId, 300);
  });

  it('A25 a mailing that is paused and resumed at the same moment, again and again, continues', async () => {
    const app = await rig.boot();
    const mailingId = await rig.send(app, 300);
    for (let round = 1; round <= 8; round++) {
      await rig.inbox.waitFor(round * 20);
      await app.sender.pause(mailingId);
      expect(['pending', 'in_progress']).toContain(await app.sender.resume(mailingId));
    }
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 300);
  });

  it('cancel ends a mailing: recipients in flight are recorded, the rest is unchanged', async () => {
    const app = await rig.boot();
    const { mailingId, completed } = await app.sender.sendEmailMessage(INFO, people(300), { persist: true });
    await rig.inbox.waitFor(40);
    await app.sender.cancel(mailingId as string);
    const atReturn = rig.inbox.messages.length;
    expect(await completed).toMatchObject({ status: 'canceled', numSent: rig.inbox.messages.length });
    expect(rig.inbox.messages.length - atReturn).toBeLessThanOrEqual(5);
    for (const method of ['cancel', 'pause', 'resume'] as const) {
      expect(await app.sender[method](mailingId as string)).toBe('canceled');
    }
    const { mailing, byStatus } = await rig.progress(mailingId as string);
    expect(mailing.endTime).toBeInstanceOf(Date);
    expect(byStatus.sending ?? 0).toBe(0);
  });

  it('cancel works while the mail server is down', async () => {
    const app = await rig.boot();
    const back = await rig.inboxDown();
    const isDown = new Promise<void>((resolve) => app.events.on('transport:down', () => resolve()));
    const { mailingId, completed } = await app.sender.sendEmailMessage(INFO, people(9), { persist: true });
    await isDown;
    await app.sender.cancel(mailingId as string);
    expect(await completed).toMatchObject({ status: 'canceled', numSent: 0, numErrors: 0 });
    await back();
  });

  it('pause works while the mail server is down, and ends the wait of the run at once', async () => {
    const app = await rig.boot();
    const back = await rig.inboxDown();
    const isDown = new Promise<void>((resolve) => app.events.on('transport:down', () => resolve()));
    const { mailingId, completed } = await app.sender.sendEmailMessage(INFO, people(9), { persist: true });
    await isDown;
    await app.sender.pause(mailingId as string);
    expect(await completed).toMatchObject({ status: 'paused', statusReason: 'by request' });
    await back();
    await app.sender.resume(mailingId as string);
    await rig.reached(mailingId as string, 'completed');
    await rig.assertAllSent(mailingId as string, 9);
  });

  it('cancel works while the list is being written: the writer stops and no message is sent', async () => {
    const app = await rig.boot();
    let pulled = 0;
    async function* endless(): AsyncGenerator<Recipient> {
      for (;;) {
        yield `reader${pulled++}@home.example`;
        if (pulled % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    const sending = app.sender.sendEmailMessage(INFO, endless(), { persist: true });
    const { id } = await waitUntil(
      () => rig.database.dataSource.getRepository(Mailing).findOneBy({ status: 'loading' }),
      {
        what: 'the list to be started',
      },
    );
    // The writer may notice before the caller does.
    const refused = sending.catch((error: unknown) => error);
    expect(await app.sender.cancel(id)).toBe('canceled');
    expect(await refused).toMatchObject({ code: 'MAILING_LIST_INCOMPLETE', mailingId: id });
    expect(await app.query.get(id)).toMatchObject({ status: 'canceled' });
    expect(rig.inbox.messages).toHaveLength(0);
  });

  it('a pause while the list is being written lets it be completed, and then nothing starts', async () => {
    const app = await rig.boot();
    let goOn: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    async function* slow(): AsyncGenerator<Recipient> {
      for (const one of people(30)) yield one;
      await gate;
    }
    const sending = app.sender.sendEmailMessage(INFO, slow(), { persist: true });
    const { id } = await waitUntil(
      () => rig.database.dataSource.getRepository(Mailing).findOneBy({ status: 'loading' }),
      {
        what: 'the list to be started',
      },
    );
    expect(await app.sender.pause(id)).toBe('loading');
    goOn();
    const { completed } = await sending;
    expect(await completed).toMatchObject({ status: 'paused', numProfiles: 30, numSent: 0 });
    expect(rig.inbox.messages).toHaveLength(0);
    await app.sender.resume(id);
    await rig.reached(id, 'completed');
    await rig.assertAllSent(id, 30);
  });

  it('commands for a mailing of a dead server are applied by the server that is asked', async () => {
    const app = await rig.boot();
    const orphan = async (id: string, status: 'in_progress' | 'pausing'): Promise<void> => {
      const mailings = rig.database.dataSource.getRepository(Mailing);
      const facts = {
        id,
        subject: 'Hello',
        from: INFO.from,
        templateUrl: INFO.templateUrl,
        createdAt: new Date(),
      };
      await mailings.insert({
        ...facts,
        status,
        uniqServerId: 'gone:1',
        claimToken: 'dead#1',
        numProfiles: 1,
      });
    };
    await orphan('orphan-1', 'in_progress');
    expect(await app.sender.pause('orphan-1')).toBe('paused');
    await orphan('orphan-2', 'in_progress');
    expect(await app.sender.cancel('orphan-2')).toBe('canceled');
    await orphan('orphan-3', 'pausing');
    expect(await app.sender.cancel('orphan-3')).toBe('canceled');
    expect(await app.query.get('orphan-1')).toMatchObject({ status: 'paused', statusReason: 'by request' });
  });

  it.each(['pausing', 'in_progress', 'pending'] as const)(
    'resume of a mailing that is %s on a dead server continues it here',
    async (status) => {
      const app = await rig.boot();
      const facts = {
        subject: 'Hello',
        from: INFO.from,
        templateUrl: INFO.templateUrl,
        createdAt: new Date(),
      };
      const claimToken = status === 'pending' ? null : 'dead#1';
      await rig.database.dataSource
        .getRepository(Mailing)
        .insert({ ...facts, id: 'left-1', status, uniqServerId: 'gone:1', claimToken });
      await app.sender.resume('left-1');
      expect((await rig.reached('left-1', 'completed')).uniqServerId).toBe('test:1');
    },
  );

  it('a command for a mailing that waits for a worker slot is applied at once', async () => {
    const release = holdMessagesAfter(rig.inbox, 0);
    const app = await rig.boot({ run: { maxConcurrentMailings: 1 } });
    await rig.send(app, 5);
    await rig.inbox.waitFor(5);
    const waiting = await app.sender.sendEmailMessage(INFO, people(5), { persist: true });
    const id = waiting.mailingId as string;
    // As after a restart: its run died, and it is recovered when there is a slot.
    await rig.database.dataSource
      .getRepository(Mailing)
      .update({ id }, { status: 'in_progress', claimToken: 'dead#1' });
    await app.sender.cancel(id);
    expect(await rig.reached(id, 'canceled')).toMatchObject({ numSent: 0 });
    release();
  });

  it('a retry that meets a cancel changes nothing', async () => {
    rig.inbox.answer = ({ command }) => (command === 'RCPT' ? { code: 550, text: '5.1.1 no' } : undefined);
    const app = await rig.boot();
    const mailingId = await rig.send(app, 5);
    await rig.reached(mailingId, 'completed');
    const commandPersister = app.nest.get(CommandPersister, { strict: false });
    const read = commandPersister.read.bind(commandPersister);
    commandPersister.read = async (...parts) => {
      const before = await read(...parts);
      await rig.database.dataSource.getRepository(Mailing).update({ id: mailingId }, { status: 'canceled' });
      return before;
    };
    await expect(app.sender.retry(mailingId, 'errors')).rejects.toMatchObject({ code: 'MAILING_ENDED' });
    const { byStatus, mailing } = await rig.progress(mailingId);
    expect([byStatus, mailing.numErrors]).toEqual([{ error: 5 }, 5]);
  });

  it('A13 the stop of a server has a time limit, whatever a source of recipients does', async () => {
    const app = await rig.boot({ server: { shutdownTimeoutMs: 100 } });
    async function* stalls(): AsyncGenerator<Recipient> {
      yield* people(3);
      await new Promise(() => undefined);
    }
    const isSending = new Promise<void>((resolve) => app.events.on('run:started', () => resolve()));
    await app.sender.sendEmailMessage(INFO, stalls());
    await isSending;
    const begun = performance.now();
    await app.close();
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  it('a listener that throws stops nothing, and causes no second copy', async () => {
    const app = await rig.boot({ inDoubt: 'resend' });
    const warnings: string[] = [];
    const note = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', note);
    app.events.on('recipient:settled', () => {
      throw new Error('the metric is out of order');
    });
    const mailingId = await rig.send(app, 20);
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 20);
    process.off('warning', note);
    expect(warnings).toContain('MailingListenerWarning');
  });

  it('a command for a mailing of a living server is left to that server', async () => {
    const app = await rig.boot();
    const { dataSource } = rig.database;
    const now = new Date();
    await dataSource.getRepository(MailServer).insert({
      uniqServerId: 'far:1',
      incarnation: 'far',
      hostname: 'far.example',
      pid: 1,
      startedAt: now,
      lastUpdated: new Date(now.getTime() + 3_600_000),
    });
    const facts = { subject: 'Hello', from: INFO.from, templateUrl: INFO.templateUrl, createdAt: now };
    await dataSource
      .getRepository(Mailing)
      .insert({ ...facts, id: 'far-1', status: 'in_progress', uniqServerId: 'far:1', claimToken: 'far#1' });
    expect(await app.sender.pause('far-1')).toBe('pausing');
    expect(await app.sender.resume('far-1')).toBe('in_progress');
    expect(await app.sender.cancel('far-1')).toBe('canceling');
    const { uniqServerId, claimToken } = await dataSource
      .getRepository(Mailing)
      .findOneByOrFail({ id: 'far-1' });
    expect([uniqServerId, claimToken]).toEqual(['far:1', 'far#1']);
  });

  it('an unknown mailing and unknown arguments are refused by name', async () => {
    const { sender, query } = await rig.boot();
    for (const method of ['pause', 'resume', 'cancel'] as const) {
      await expect(sender[method]('nobody')).rejects.toMatchObject({ code: 'MAILING_NOT_FOUND' });
    }
    await expect(sender.retry('nobody', 'errors')).rejects.toMatchObject({ code: 'MAILING_NOT_FOUND' });
    await expect(sender.settleInDoubt('nobody', 'sent')).rejects.toMatchObject({ code: 'MAILING_NOT_FOUND' });
    const wrong = { code: 'MAILING_ARGUMENT_INVALID' };
    await expect(sender.retry('x', 'all' as 'errors')).rejects.toMatchObject(wrong);
    await expect(sender.settleInDoubt('x', 'lost' as 'sent')).rejects.toMatchObject(wrong);
    await expect(query.recipients('x', { status: 'lost' as 'sent' })).rejects.toMatchObject(wrong);
    await expect(query.recipients('x', { limit: 0 })).rejects.toMatchObject({
      argument: 'recipients: limit',
    });
  });
});
