import { once } from 'node:events';
import { Mailing } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { assertProgressAddsUp, readProgress } from '../support/databases/stored-progress.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { HostRig } from './processes/host-rig.js';

const RECIPIENTS = 40;
const MAX_IN_DOUBT = 4;

forEachDatabase('a host with a persister of its own, which is killed', (kind) => {
  const rig = HostRig.forEachTest(kind, 'persister.process');
  let inbox: SmtpInbox;

  beforeEach(async () => {
    inbox = await SmtpInbox.start({ keepRaw: 0 });
    await rig.database.dataSource.query('CREATE TABLE audit_line (mailing_id VARCHAR(40), what VARCHAR(20))');
  });
  afterEach(() => inbox.close());

  /** @returns the exit code or the signal. */
  const live = async (isBatched: boolean, dieAt = '', dieOn = 1): Promise<unknown> => {
    const host = rig.start({
      SMTP_URL: inbox.url,
      RECIPIENTS: String(RECIPIENTS),
      MAX_IN_DOUBT: String(MAX_IN_DOUBT),
      BATCHED: isBatched ? 'yes' : 'no',
      MAILING_DIE_AT: dieAt,
      MAILING_DIE_ON: String(dieOn),
    });
    const [code, signal] = await once(host, 'exit');
    return signal ?? code;
  };

  const audited = async (what: string): Promise<string[]> => {
    const lines = await rig.database.dataSource.query<{ mailing_id: string }[]>(
      `SELECT mailing_id FROM audit_line WHERE what = '${what}'`,
    );
    return lines.map((line) => line.mailing_id).sort();
  };

  it.each([
    ['while its list is written', 'afterMailingCreated', 1, false, 1],
    ['while it is sent', 'afterOutcomesCommitted', 2, false, 0],
    ['while its batches are sent', 'afterOutcomesCommitted', 2, true, 0],
  ])(
    'goes on through that persister with a mailing that was cut off %s, and sends no second copy',
    async (_when, dieAt, dieOn, isBatched, numFailed) => {
      expect(await live(isBatched, dieAt, dieOn)).toBe('SIGKILL');
      const readBefore = await audited('read');
      expect(await live(isBatched)).toBe(0);
      const mailings = rig.database.dataSource.getRepository(Mailing);
      const { id } = await mailings.findOneByOrFail({ status: 'completed' });
      // A list that was cut off is written anew, as another mailing.
      expect(await mailings.countBy({ status: 'failed' })).toBe(numFailed);
      expect(await audited('created')).toEqual((await mailings.find()).map((mailing) => mailing.id).sort());
      expect((await audited('read')).length).toBeGreaterThan(readBefore.length);
      expect(await audited('read')).toContain(id);
      const progress = await readProgress(rig.database.dataSource, id);
      assertProgressAddsUp(progress);
      const { sent, in_doubt: doubt = 0 } = progress.byStatus;
      expect(sent + doubt).toBe(RECIPIENTS);
      expect(doubt).toBeLessThanOrEqual(2 * MAX_IN_DOUBT);
      const copies = inbox.countsByRecipient();
      expect(Math.max(...copies.values())).toBe(1);
      expect(copies.size).toBeGreaterThanOrEqual(sent);
    },
  );
});
