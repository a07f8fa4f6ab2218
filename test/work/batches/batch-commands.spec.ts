import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type InDoubtResolver, MailDeferred, Mailing, MailServer } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import {
  assertAllSentInBatches,
  batchesOf,
  sendBatched,
  TAKES_BATCHES,
} from '../../support/hosts/batched-mailing.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { LETTER } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import type { SmtpAnswer, SmtpHook } from '../../support/network/smtp-step.js';
import { waitUntil } from '../../support/wait-until.js';

const SECOND = { ...TAKES_BATCHES, uniqServerId: 'test:2' };
/** In flight at a time on two servers: 4 threads each, 5 messages each. */
const IN_FLIGHT = 2 * 4 * 5;

/** Refuses these recipients permanently, until another answer is set. */
function refusing(...addresses: string[]): SmtpHook {
  return ({ command, to }) =>
    command === 'RCPT' && addresses.includes(to[0]) ? { code: 550, text: '5.1.1 nobody here' } : undefined;
}

forEachDatabase('commands for a mailing in batches', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('a pause on any server stops all batches on all servers within one commit, and resume continues them', async () => {
    const servers = [await rig.boot(TAKES_BATCHES), await rig.boot(SECOND)];
    const bystander = await rig.boot({ uniqServerId: 'web:1' });
    const mailingId = await sendBatched(servers[0], 400);
    await rig.inbox.waitFor(60);
    const status = await bystander.sender.pause(mailingId);
    expect(['pausing', 'paused']).toContain(status);
    const paused = await rig.reached(mailingId, 'paused');
    expect(rig.inbox.messages.length).toBeLessThan(400);
    expect(paused.statusReason).toBe('by request');
    const batches = await batchesOf(rig, mailingId);
    expect(batches.some((one) => one.status === 'claimed')).toBe(false);
    const { byStatus } = await rig.progress(mailingId);
    expect(byStatus).toEqual({
      sent: rig.inbox.messages.length,
      pending: 400 - rig.inbox.messages.length,
    });
    expect((await bystander.query.get(mailingId))?.numSent).toBe(byStatus.sent);
    expect(await bystander.sender.resume(mailingId)).toBe('pending');
    await rig.reached(mailingId, 'completed');
    await assertAllSentInBatches(rig, mailingId, 400);
  });

  it('a pause starts no further message on the server that was asked', async () => {
    const app = await rig.boot(TAKES_BATCHES);
    const mailingId = await sendBatched(app, 600);
    await rig.inbox.waitFor(80);
    await app.sender.pause(mailingId);
    const atReturn = rig.inbox.messages.length;
    await rig.reached(mailingId, 'paused');
    expect(rig.inbox.messages.length - atReturn).toBeLessThanOrEqual(IN_FLIGHT / 2);
    await app.sender.cancel(mailingId);
  });

  it('pause and cancel take effect at once before a server has claimed a batch', async () => {
    const web = await rig.boot();
    const mailingId = await sendBatched(web, 40);
    expect(await web.sender.pause(mailingId)).toBe('paused');
    expect(await web.sender.resume(mailingId)).toBe('pending');
    expect(await web.sender.cancel(mailingId)).toBe('canceled');
    await rig.boot(SECOND);
    expect((await rig.progress(mailingId)).byStatus).toEqual({ pending: 40 });
    expect(rig.inbox.messages).toHaveLength(0);
  });

  it('cancel completes when the last batch is released, and the mailing then has all counts', async () => {
    const servers = [await rig.boot(TAKES_BATCHES), await rig.boot(SECOND)];
    const ends: string[] = [];
    for (const { events } of servers) events.on('mailing:ended', ({ status }) => ends.push(status));
    const mailingId = await sendBatched(servers[0], 400);
    await rig.inbox.waitFor(60);
    await servers[1].sender.cancel(mailingId);
    const canceled = await rig.reached(mailingId, 'canceled');
    const { byStatus } = await rig.progress(mailingId);
    expect(canceled.numSent).toBe(byStatus.sent);
    expect(rig.inbox.messages).toHaveLength(byStatus.sent);
    expect((await servers[0].query.get(mailingId))?.numSent).toBe(byStatus.sent);
    expect((await batchesOf(rig, mailingId)).every((one) => one.isSummarized)).toBe(true);
    await waitUntil(() => ends.length > 0, { what: 'the event of the end' });
    expect(ends).toEqual(['canceled']);
  });

  it('cancel of a paused mailing leaves all counts in its row, too', async () => {
    const app = await rig.boot(TAKES_BATCHES);
    const mailingId = await sendBatched(app, 400);
    await rig.inbox.waitFor(50);
    await app.sender.pause(mailingId);
    await rig.reached(mailingId, 'paused');
    for (let n = 0; n < 2; n++) expect(await app.sender.cancel(mailingId)).toBe('canceled');
    const { mailing, byStatus } = await rig.progress(mailingId);
    expect(mailing.numSent).toBe(byStatus.sent);
    expect((await app.query.get(mailingId))?.numSent).toBe(byStatus.sent);
  });

  it('A15 twenty resumes and pauses at the same moment on two servers end in one copy for each recipient', async () => {
    const servers = [await rig.boot(TAKES_BATCHES), await rig.boot(SECOND)];
    const mailingId = await sendBatched(servers[0], 400);
    await rig.inbox.waitFor(40);
    const calls = Array.from({ length: 20 }, (_, n) =>
      n % 3 === 0 ? servers[n % 2].sender.pause(mailingId) : servers[n % 2].sender.resume(mailingId),
    );
    await Promise.all(calls);
    await waitUntil(
      async () => (
        await servers[1].sender.resume(mailingId),
        (await rig.progress(mailingId)).mailing.status === 'completed'
      ),
      { what: 'the mailing to be completed' },
    );
    await assertAllSentInBatches(rig, mailingId, 400);
  });

  it('retry of recipients with errors reopens their batches and merges them once more', async () => {
    rig.inbox.answer = refusing('reader5@home.example', 'reader6@home.example', 'reader77@home.example');
    const app = await rig.boot(TAKES_BATCHES);
    const mailingId = await sendBatched(app, 100);
    expect(await rig.reached(mailingId, 'completed')).toMatchObject({ numSent: 97, numErrors: 3 });
    rig.inbox.answer = undefined;
    expect(await app.sender.retry(mailingId, 'errors')).toBe(3);
    await waitUntil(async () => (await rig.progress(mailingId)).byStatus.sent === 100, {
      what: 'all to be sent',
    });
    await rig.reached(mailingId, 'completed');
    await assertAllSentInBatches(rig, mailingId, 100);
    expect(await rig.database.dataSource.getRepository(MailDeferred).count()).toBe(0);
  });

  it('retry of recipients with errors works while the mailing is still being sent', async () => {
    rig.inbox.answer = refusing('reader5@home.example');
    const app = await rig.boot(TAKES_BATCHES);
    const mailingId = await sendBatched(app, 600);
    await waitUntil(async () => (await batchesOf(rig, mailingId))[0].status === 'complete', {
      what: 'the first batch to be complete',
    });
    rig.inbox.answer = undefined;
    expect(await app.sender.retry(mailingId, 'errors')).toBe(1);
    await rig.reached(mailingId, 'completed');
    await assertAllSentInBatches(rig, mailingId, 600);
  });

  it('settling recipients in doubt counts in the mailing and in the batch, whether the batch is merged or not', async () => {
    const app = await rig.boot(TAKES_BATCHES);
    rig.inbox.answer = ({ command, to }) =>
      command === 'END' && to[0] === 'reader5@home.example' ? 'close' : undefined;
    const mailingId = await sendBatched(app, 40);
    expect(await rig.reached(mailingId, 'completed')).toMatchObject({ numSent: 39, numErrors: 1 });
    expect(await app.sender.settleInDoubt(mailingId, 'sent')).toBe(1);
    const { mailing } = await rig.progress(mailingId);
    expect(mailing).toMatchObject({ numSent: 40, numErrors: 0 });
    await assertAllSentInBatches(rig, mailingId, 40);
  });

  // A mailing has stored its templates since this version; a mailing of an older version has only the files.
  it('C8 a missing template of a mailing of an older version pauses the whole mailing, which resumes once the file is back', async () => {
    const web = await rig.boot({ uniqServerId: 'web:1' });
    const mailingId = await sendBatched(web, 60);
    await rig.database.dataSource.query('UPDATE dps_mailing SET template_hashes = NULL');
    const app = await rig.boot(TAKES_BATCHES, { templates: {} });
    expect((await rig.reached(mailingId, 'paused')).statusReason).toMatch(/^template: /);
    expect((await rig.progress(mailingId)).byStatus).toEqual({ pending: 60 });
    await writeFile(join(app.templateDir, 'letter.hbs'), LETTER);
    await web.sender.resume(mailingId);
    await rig.reached(mailingId, 'completed');
    await assertAllSentInBatches(rig, mailingId, 60);
  });

  it('too many errors among the first recipients pause the whole mailing', async () => {
    rig.inbox.answer = ({ command }) =>
      command === 'RCPT' ? { code: 554, text: '5.7.1 your address is blocked' } : undefined;
    const app = await rig.boot({ ...TAKES_BATCHES, errorGuard: { sampleSize: 40 } });
    const mailingId = await sendBatched(app, 600);
    const paused = await rig.reached(mailingId, 'paused');
    expect(paused.statusReason).toMatch(/^error rate: \d+ of the last \d+ attempts failed with 5.7.1/);
    // Each of the four threads loses a batch to the same fault, and may have started another one.
    const { byStatus } = await rig.progress(mailingId);
    expect(byStatus.error).toBeLessThanOrEqual(8 * 20);
    rig.inbox.answer = undefined;
    await app.sender.resume(mailingId);
    await rig.reached(mailingId, 'completed', 30_000);
  });

  it('an outage of the mail server pauses the whole mailing, and the probe of a server that takes batches resumes it', async () => {
    const backUp = await rig.inboxDown();
    await rig.boot({ ...TAKES_BATCHES, run: { transportOutageTimeoutMs: 200 } });
    const web = await rig.boot({ uniqServerId: 'web:1' });
    const mailingId = await sendBatched(web, 60);
    expect((await rig.reached(mailingId, 'paused')).statusReason).toMatch(/^transport: /);
    expect((await rig.progress(mailingId)).byStatus).toEqual({ pending: 60 });
    await backUp();
    await rig.reached(mailingId, 'completed', 30_000);
    await assertAllSentInBatches(rig, mailingId, 60);
  });

  it('a server that takes no batches does not resume a mailing that other servers paused for a transport outage', async () => {
    const web = await rig.boot({
      uniqServerId: 'web:1',
      server: { heartbeatIntervalMs: 50, leaseMs: 5_000 },
    });
    const mailingId = await sendBatched(web, 40);
    const paused = { status: 'paused', statusReason: 'transport: away' } as const;
    await rig.database.dataSource.getRepository(Mailing).update(mailingId, paused);
    // Its own mail server answers, which says nothing about the mail server of the others.
    await delay(500);
    expect((await rig.progress(mailingId)).mailing.status).toBe('paused');
    await rig.boot(SECOND);
    await rig.reached(mailingId, 'completed');
    await assertAllSentInBatches(rig, mailingId, 40);
  });

  it('the in-doubt resolver of the server that frees a batch is asked about recipients in flight before the batch is claimed again', async () => {
    const asked: string[] = [];
    const inDoubt: InDoubtResolver = (inFlight) => {
      asked.push(...inFlight.map(({ messageId }) => messageId));
      return inFlight.map(({ idx }) => (idx % 2 === 0 ? 'sent' : 'leave'));
    };
    const held: ((answer: SmtpAnswer) => void)[] = [];
    rig.inbox.answer = ({ command }) =>
      command === 'END' && rig.inbox.messages.length > 20
        ? new Promise((resolve) => held.push(resolve))
        : undefined;
    await rig.boot({ ...SECOND, inDoubt });
    const first = await rig.boot({ ...TAKES_BATCHES, inDoubt });
    const mailingId = await sendBatched(first, 100);
    await waitUntil(() => held.length >= 10, { what: 'messages that wait for an answer' });
    rig.inbox.answer = undefined;
    // The other server takes it for dead: the outcomes of its messages are lost.
    await rig.database.dataSource.getRepository(MailServer).delete({ uniqServerId: 'test:1' });
    await waitUntil(() => asked.length > 0, { what: 'the resolver to be asked' });
    for (const answer of held) answer('close');
    await rig.reached(mailingId, 'completed', 30_000);
    // An answer that came before the connections closed may still settle a recipient in doubt.
    await waitUntil(
      async () => {
        const { byStatus, mailing } = await rig.progress(mailingId);
        const { sent = 0, in_doubt: doubt = 0 } = byStatus;
        return sent + doubt === 100 && mailing.numSent === sent && mailing.numErrors === doubt;
      },
      { what: 'the counters to be those of the rows' },
    );
    expect([...rig.inbox.countsByRecipient().values()].every((copies) => copies === 1)).toBe(true);
  });

  it('batched without persist, and a batch size out of bounds, are refused before anything is written', async () => {
    const app = await rig.boot(TAKES_BATCHES);
    const refused = [
      [{ batched: true }, false],
      [{ batched: 'yes' as unknown as boolean }, true],
      [{ batchSize: 0 }, true],
      [{ batchSize: 1.5 }, true],
    ] as const;
    for (const [info, persist] of refused) {
      await expect(
        app.sender.sendEmailMessage({ ...INFO, ...info }, people(2), { persist }),
      ).rejects.toMatchObject({ code: 'MAILING_FIELD_INVALID', field: Object.keys(info)[0] });
    }
    expect(rig.inbox.messages).toHaveLength(0);
  });
});
