import { MailServer, Mailing, ServerShuttingDownError, TemplateEmailPersister } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { MailingReader } from '../../../libs/mailing/src/store/queries/mailing.reader.js';
import { MailingEngine } from '../../../libs/mailing/src/work/mailing.engine.js';
import { ServerMembership } from '../../../libs/mailing/src/work/servers/server-membership.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';

const COUNT = 20;

forEachDatabase('a server that is lost or stops between a look and what it looked for', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('was declared dead while it read a mailing: it claims nothing, and goes on as a member', async () => {
    const app = await rig.boot({ server: { heartbeatIntervalMs: 100, leaseMs: 3_000 } });
    const membership = app.nest.get(ServerMembership, { strict: false });
    // Registered, and seen again: without that, a row that is not there means a node that lags behind.
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

    // It may have registered again, and gone on, before it was to claim.
    expect(['pending', 'completed']).toContain((await completed).status);
    await rig.reached(mailingId as string, 'completed');
    await rig.assertAllSent(mailingId as string, COUNT);
  });

  it('stopped while it looked for a key: it accepts nothing, and does not register again', async () => {
    const app = await rig.boot();
    const reader = app.nest.get(MailingReader, { strict: false });
    const findByKey = reader.findByKey.bind(reader);
    const engine = app.nest.get(MailingEngine, { strict: false });
    let numLooks = 0;
    reader.findByKey = async (key) => {
      const known = await findByKey(key);
      // The first look is for a repeat; the second one is that of the list that is about to be written.
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
