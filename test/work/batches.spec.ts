import { MailBatch } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { forEachDatabase } from '../support/for-each-database.js';
import { INFO, MailingRig, people } from '../support/mailing-rig.js';

const TAKES = { enabledAsTemplateMailServer: true, batch: { pollMs: 50 } };

forEachDatabase('a mailing in batches', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const batchesOf = (mailingId: string): Promise<MailBatch[]> =>
    rig.database.dataSource
      .getRepository(MailBatch)
      .find({ where: { mailingId }, order: { startIdx: 'ASC' } });

  it('is shared by two servers, and merged once', async () => {
    const owner = await rig.boot({ ...TAKES });
    await rig.boot({ ...TAKES, uniqServerId: 'test:2' });
    const { mailingId, completed } = await owner.sender.sendEmailMessage(
      { ...INFO, batched: true, batchSize: 20 },
      people(410),
      { persist: true },
    );
    expect(await completed).toMatchObject({ status: 'completed', numSent: 410, numProfiles: 410 });
    await rig.assertAllSent(mailingId as string, 410);
    const batches = await batchesOf(mailingId as string);
    expect(batches).toHaveLength(21);
    expect(batches.map((one) => one.numSent)).toEqual([...Array<number>(20).fill(20), 10]);
    expect(batches.every((one) => one.isSummarized && one.status === 'complete')).toBe(true);
    expect(new Set(batches.map((one) => one.uniqServerId))).toEqual(new Set(['test:1', 'test:2']));
  });
});
