import { MailingSuppressions } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { batchesOf } from '../../support/hosts/batched-mailing.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';

const readers = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `reader${n}@home.example`);
/** The entries that are no addresses are beyond the last batch of three. */
const LIST = [...readers(9), 'nowhere', 'no address at all'];
const BARRED = ['reader1@home.example', 'reader5@home.example', 'reader6@home.example'];

forEachDatabase('recipients that were skipped', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  async function sent(
    batched: boolean,
  ): Promise<{ app: MailingApp; mailingId: string; list: MailingSuppressions }> {
    const app = await rig.boot({ enabledAsTemplateMailServer: true });
    const list = app.nest.get(MailingSuppressions);
    for (const address of BARRED) await list.suppress(address, 'asked by phone');
    const info = { ...INFO, batched, batchSize: 3 };
    const { mailingId } = await app.sender.sendEmailMessage(info, LIST, { persist: true });
    const result = await rig.reached(mailingId as string, 'completed');
    expect(result).toMatchObject({ numSent: 6, numSkipped: 5, numErrors: 0 });
    return { app, mailingId: mailingId as string, list };
  }

  it.each([false, true])(
    'are sent to once after a retry if nothing bars them any more, and unusable entries stay, batched: %s',
    async (batched) => {
      const { app, mailingId, list } = await sent(batched);
      for (const address of BARRED.slice(0, 2)) await list.release(address);
      expect(await app.sender.retry(mailingId, 'skipped')).toBe(3);
      await rig.reached(mailingId, 'completed');
      const progress = await rig.progress(mailingId);
      assertProgressAddsUp(progress);
      const batches = await batchesOf(rig, mailingId);
      const sum = (of: 'numSent' | 'numSkipped'): number => batches.reduce((all, one) => all + one[of], 0);
      expect([sum('numSent'), sum('numSkipped')]).toEqual(batched ? [8, 1] : [0, 0]);
      expect(batches.every((one) => one.status === 'complete')).toBe(true);
      expect(progress.byStatus).toEqual({ sent: 8, skipped: 3 });
      const skipped = await app.query.recipients(mailingId, { status: 'skipped' });
      expect(skipped.map(({ email, errorCode }) => [email, errorCode])).toEqual([
        [BARRED[2], 'suppressed'],
        ['nowhere', 'invalid_address'],
        ['no address at all', 'invalid_address'],
      ]);
      const copies = rig.inbox.countsByRecipient();
      expect([...copies.keys()].sort((a, b) => a.localeCompare(b))).toEqual(
        readers(9).filter((one) => one !== BARRED[2]),
      );
      expect(Math.max(...copies.values())).toBe(1);
    },
  );

  it.each([false, true])('wait in a paused mailing until it is resumed, batched: %s', async (batched) => {
    const { app, mailingId, list } = await sent(batched);
    for (const address of BARRED) await list.release(address);
    await rig.database.dataSource.query("UPDATE dps_mailing SET status = 'paused'");
    expect(await app.sender.retry(mailingId, 'skipped')).toBe(3);
    expect(await app.query.get(mailingId)).toMatchObject({ status: 'paused' });
    expect(rig.inbox.messages).toHaveLength(6);
    await app.sender.resume(mailingId);
    await rig.reached(mailingId, 'completed');
    expect((await rig.progress(mailingId)).byStatus).toEqual({ sent: 9, skipped: 2 });
    expect(Math.max(...rig.inbox.countsByRecipient().values())).toBe(1);
  });

  it('are none where only unusable entries were skipped', async () => {
    const app = await rig.boot();
    const { mailingId } = await app.sender.sendEmailMessage(INFO, ['nowhere', 'ann@home.example'], {
      persist: true,
    });
    await rig.reached(mailingId as string, 'completed');
    expect(await app.sender.retry(mailingId as string, 'skipped')).toBe(0);
    expect(await app.query.get(mailingId as string)).toMatchObject({ status: 'completed', numSkipped: 1 });
  });
});
