import { MailServer, Mailing, ServerShuttingDownError, TemplateEmailPersister } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { MailingReader } from '../../../libs/mailing/src/store/queries/mailing.reader.js';
import { MailingEngine } from '../../../libs/mailing/src/work/mailing.engine.js';
import { ServerMembership } from '../../../libs/mailing/src/work/servers/server-membership.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';

const COUNT = 20;

forEachDatabase('a server that is declared dead or stops between a read and the claim', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('declared dead while it read a mailing: it claims nothing, registers again and sends the mailing', async () => {
    const app = await rig.boot({ server: { heartbeatIntervalMs: 100, leaseMs: 3_000 } });
    const membership = app.nest.get(ServerMembership, { strict: false });
    // Registered, and renewed: without a renewal, a missing row is taken for a lagging node.
    await membership.heartbeat();
    await membership.heartbeat();
    let numLost = 0;
    app.events.on('server:lost', () => numLost++);
    const persister = app.nest.get(TemplateEmailPersister, { strict: false });
    const readMailing = persister.readMailing.bind(persister);
    persister.readMailing = async (mailingId) => {
      persister.readMailing = readMailing;
      await rig.database.dataSource.getRepository(MailServer).clear();
      // The periodic heartbeat may be the one that finds it.
      await waitUntil(() => numLost > 0, { what: 'a heartbeat to find the row gone' });
      return readMailing(mailingId);
    };

    const { mailingId, completed } = await app.sender.sendEmailMessage(INFO, people(COUNT), true, true);

    // It may have registered again, and sent the mailing, before this claim.
    expect(['pending', 'completed']).toContain((await completed).status);
    await rig.reached(mailingId as string, 'completed');
    await rig.assertAllSent(mailingId as string, COUNT);
  });

  it('stopped while it looked up a key: it accepts no mailing, and does not register again', async () => {
    const app = await rig.boot();
    const reader = app.nest.get(MailingReader, { strict: false });
    const findByKey = reader.findByKey.bind(reader);
    const engine = app.nest.get(MailingEngine, { strict: false });
    let numLooks = 0;
    reader.findByKey = async (key) => {
      const known = await findByKey(key);
      // The first lookup is for a repeated request; the second is that of the list about to be written.
      if (++numLooks === 2) await engine.onModuleDestroy();
      return known;
    };

    const options = { persist: true, runInSeparateThread: true, idempotencyKey: 'once' };
    await expect(app.sender.sendEmailMessage(INFO, people(COUNT), options)).rejects.toThrow(
      ServerShuttingDownError,
    );

    expect(numLooks).toBe(2);
    expect(await rig.database.dataSource.getRepository(MailServer).count()).toBe(0);
    expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(0);
  });
});
