import type { Recipient } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { assertAllSentInBatches, batchesOf, TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { never } from '../../support/silence.js';
import { waitUntil } from '../../support/wait-until.js';

const LISTED = 50;
const SECOND = { ...TAKES_BATCHES, uniqServerId: 'test:2' };

forEachDatabase('a mailing that was ended before its end', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it.each([false, true])(
    'is continued after a cancel, and each recipient gets one copy, batched: %s',
    async (batched) => {
      const app = await rig.boot(TAKES_BATCHES);
      const info = { ...INFO, batched, batchSize: 20 };
      const { mailingId } = await app.sender.sendEmailMessage(info, people(400), { persist: true });
      await rig.inbox.waitFor(40);
      await app.sender.cancel(mailingId!);
      const { numSent } = await rig.reached(mailingId!, 'canceled');
      expect(numSent).toBeLessThan(400);
      const other = await rig.boot(SECOND);
      // Whichever of them is first.
      const both = [app, other].map((one) => one.sender.continueMailing(mailingId!));
      expect((await Promise.all(both)).every((status) => status !== 'canceled')).toBe(true);
      expect(await rig.reached(mailingId!, 'completed')).toMatchObject({ numSent: 400 });
      if (batched) await assertAllSentInBatches(rig, mailingId!, 400);
      else await rig.assertAllSent(mailingId!, 400);
    },
  );

  it.each([false, true])(
    'may be canceled and continued again and again, and its counters add up each time, batched: %s',
    async (batched) => {
      const app = await rig.boot(TAKES_BATCHES);
      rig.inbox.answer = ({ command, to }) =>
        command === 'RCPT' && to[0].startsWith('reader1') ? { code: 550, text: '5.1.1 unknown' } : undefined;
      const info = { ...INFO, batched, batchSize: 20 };
      const { mailingId } = await app.sender.sendEmailMessage(info, people(300), { persist: true });
      for (let round = 1; round <= 3; round++) {
        await rig.inbox.waitFor(30 * round);
        await app.sender.cancel(mailingId!);
        await rig.reached(mailingId!, 'canceled');
        const { mailing, byStatus } = await rig.progress(mailingId!);
        expect([mailing.numSent, mailing.numErrors]).toEqual([byStatus.sent ?? 0, byStatus.error ?? 0]);
        await app.sender.continueMailing(mailingId!);
      }
      await rig.reached(mailingId!, 'completed');
      const progress = await rig.progress(mailingId!);
      assertProgressAddsUp(progress);
      expect(progress.byStatus).toEqual({ sent: 189, error: 111 });
      expect(Math.max(...rig.inbox.countsByRecipient().values())).toBe(1);
    },
  );

  /** Entries so large that the list has three chunks, of which two are full. */
  function* longEntries(): Generator<Recipient> {
    const data = { note: 'x'.repeat(20_000) };
    for (let n = 0; n < LISTED; n++) yield { email: `reader${n}@home.example`, data };
  }

  async function* failing(): AsyncGenerator<Recipient> {
    yield* longEntries();
    throw new Error('the source broke');
  }

  async function* silent(): AsyncGenerator<Recipient> {
    yield* longEntries();
    await never();
  }

  it.each([false, true])(
    'because its list failed, is sent to what was written of it, batched: %s',
    async (batched) => {
      const app = await rig.boot(TAKES_BATCHES);
      const info = { ...INFO, batched, batchSize: 10 };
      await expect(app.sender.sendEmailMessage(info, failing(), { persist: true })).rejects.toThrow('broke');
      const [{ mailingId }] = await app.query.list({ status: 'failed' });
      await app.sender.continueMailing(mailingId);
      const { numSent, numProfiles } = await rig.reached(mailingId, 'completed', 25_000);
      expect(numProfiles).toBe(numSent);
      expect(numSent).toBeGreaterThan(10);
      expect(numSent).toBeLessThan(LISTED);
      const progress = await rig.progress(mailingId);
      assertProgressAddsUp(progress);
      expect(progress.byStatus).toEqual({ sent: numSent });
      expect(rig.inbox.countsByRecipient().size).toBe(numSent);
      expect(Math.max(...rig.inbox.countsByRecipient().values())).toBe(1);
      const batches = await batchesOf(rig, mailingId);
      expect(batches.reduce((sum, one) => sum + one.numSent, 0)).toBe(batched ? numSent : 0);
    },
  );

  it('because it was canceled while its list was written, is sent to what was written of it', async () => {
    const app = await rig.boot(TAKES_BATCHES);
    const refused = app.sender.sendEmailMessage({ ...INFO, batched: true, batchSize: 10 }, silent(), {
      persist: true,
    });
    const refusal = refused.catch((error: unknown) => String(error));
    const rows = async (): Promise<number> =>
      Number((await rig.database.dataSource.query('SELECT COUNT(*) AS n FROM dps_email_address'))[0].n);
    await waitUntil(async () => (await rows()) > 0, { what: 'the first chunks' });
    const [{ mailingId }] = await app.query.list();
    await app.sender.cancel(mailingId);
    expect(await refusal).toContain('canceled');
    expect(await app.query.get(mailingId)).toMatchObject({ status: 'canceled' });
    await app.sender.continueMailing(mailingId);
    const { numSent } = await rig.reached(mailingId, 'completed', 25_000);
    expect(numSent).toBe(await rows());
    expect(Math.max(...rig.inbox.countsByRecipient().values())).toBe(1);
  });

  it('is the only one that is continued: in any other state nothing happens', async () => {
    const app = await rig.boot();
    const { mailingId, completed } = await app.sender.sendEmailMessage(INFO, people(3), { persist: true });
    await completed;
    expect(await app.sender.continueMailing(mailingId!)).toBe('completed');
    const later = { persist: true, sendAt: new Date(Date.now() + 3_600_000) };
    const scheduled = (await app.sender.sendEmailMessage(INFO, people(3), later)).mailingId!;
    expect(await app.sender.continueMailing(scheduled)).toBe('pending');
    expect(await app.sender.pause(scheduled)).toBe('paused');
    expect(await app.sender.continueMailing(scheduled)).toBe('paused');
    // Its time is kept.
    expect(await app.sender.cancel(scheduled)).toBe('canceled');
    expect(await app.sender.continueMailing(scheduled)).toBe('pending');
    expect(rig.inbox.messages).toHaveLength(3);
    await expect(app.sender.continueMailing('nobody')).rejects.toMatchObject({ code: 'MAILING_NOT_FOUND' });
  });
});
