import { MailBatch } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import type { BatchName } from '../../../libs/mailing/src/model/ports/dispatcher.js';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { TemplateEmailBatchPersister } from '../../../libs/mailing/src/store/claims/template-email-batch.persister.js';
import { sendBatched } from '../../support/hosts/batched-mailing.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { livingServer } from '../../support/databases/living-server.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';

const SERVERS = 8;
const BATCHES = 200;
const LIST_SIZE = 64;
/** Batches that all servers claim at the same moment. */
const FOUGHT = 8;

forEachDatabase('claims of batches by many servers', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('D6 each of 200 batches goes to exactly one of eight servers that claim all of them at the same moment', async () => {
    // Long enough that no lease runs out during the race.
    const far = { server: { heartbeatIntervalMs: 60_000, leaseMs: 600_000 } };
    const sender = await rig.boot({ ...far, uniqServerId: 'sender:0' });
    const mailingId = await sendBatched(sender, BATCHES, { batchSize: 1 });
    const won = new Map<number, string>();
    const twice: number[] = [];
    const racer = async (n: number): Promise<(names: BatchName[]) => Promise<void>> => {
      await livingServer(rig.database.dataSource, `server:${n}`, `life-${n}`);
      // Two SQLite connections in one process would only block each other, so there the servers meet in the plugin's own queue.
      const dataSource = kind === 'sqlite' ? rig.database.dataSource : await rig.database.connect();
      const batches = new TemplateEmailBatchPersister(new MailingDatabase(dataSource));
      let claims = 0;
      const tryAll = async (names: BatchName[]): Promise<void> => {
        for (const name of names) {
          const token = `life-${n}#${++claims}`;
          if (!(await batches.claim(name, `server:${n}`, token))) continue;
          if (won.has(name.startIdx)) twice.push(name.startIdx);
          won.set(name.startIdx, token);
        }
      };
      return async (fought) => {
        await tryAll(fought);
        for (;;) {
          const free = await batches.free(LIST_SIZE);
          if (free.length === 0) return;
          // Looks again before its list is stale, and starts at another position of the list than the other servers.
          const from = (n * FOUGHT) % free.length;
          await tryAll([...free.slice(from), ...free.slice(0, from)].slice(0, FOUGHT));
        }
      };
    };
    const racers = await Promise.all(Array.from({ length: SERVERS }, (_, n) => racer(n)));
    // The worst case first: all claim these in the same order at the same moment. The rest is claimed as servers do.
    const fought = Array.from({ length: FOUGHT }, (_, startIdx) => ({ mailingId, startIdx }));
    await Promise.all(racers.map((race) => race(fought)));
    expect([won.size, twice]).toEqual([BATCHES, []]);

    const rows = await rig.database.dataSource.getRepository(MailBatch).findBy({ mailingId });
    expect(new Map(rows.map((row) => [row.startIdx, row.claimToken]))).toEqual(won);
    expect(rows.every((row) => row.status === 'claimed' && row.commitSeq === 1)).toBe(true);
    expect(await rig.reached(mailingId, 'in_progress')).toMatchObject({ numSent: 0, numErrors: 0 });
  });
});
