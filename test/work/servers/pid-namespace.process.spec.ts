import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { MailServer } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { TemplateEmailBatchServerPersister } from '../../../libs/mailing/src/store/servers/template-email-batch-server.persister.js';
import { readPidNamespace } from '../../../libs/mailing/src/work/servers/pid-namespace.js';
import { ServerMembership } from '../../../libs/mailing/src/work/servers/server-membership.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';

const OTHER_SPACE = 'another boot/pid:[4026532200]';

describe('the pid namespace of this process', () => {
  it.runIf(process.platform === 'linux')('consists of one boot and one kernel namespace', () => {
    expect(readPidNamespace()).toMatch(/^[0-9a-f-]{36}\/pid:\[\d+\]/);
    expect(readPidNamespace()!.length).toBeLessThanOrEqual(100);
  });

  it('is the same in another process, and another one in a worker thread, which ends before its process', async () => {
    const module = new URL('../../../dist/libs/mailing/src/work/servers/pid-namespace.js', import.meta.url)
      .href;
    const code = `const { readPidNamespace } = await import('${module}'); console.log(readPidNamespace());`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
    expect(stdout.trim()).toBe(readPidNamespace());

    const inThread = `import('${module}').then(({ readPidNamespace }) =>
      require('node:worker_threads').parentPort.postMessage(readPidNamespace()));`;
    const [space] = (await once(new Worker(inThread, { eval: true }), 'message')) as [string];
    expect(space).toMatch(/\/thread:\d+$/);
    expect(space).not.toBe(readPidNamespace());
  });
});

forEachDatabase('a server row with our server id', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  /** A fresh row, as another process would have left it a moment ago. */
  const leave = async (facts: Partial<MailServer>): Promise<void> => {
    const row = { uniqServerId: 'test:1', incarnation: 'other', hostname: hostname(), pid: process.pid };
    const now = new Date();
    await rig.database.dataSource
      .getRepository(MailServer)
      .save({ ...row, pidNamespace: readPidNamespace(), startedAt: now, lastUpdated: now, ...facts });
  };

  const persister = (): TemplateEmailBatchServerPersister =>
    new TemplateEmailBatchServerPersister(new MailingDatabase(rig.database.dataSource), 60_000);

  const isKnownDead = async (): Promise<boolean> => {
    const server = await persister().find('test:1');
    return new ServerMembership(persister(), { server: {} } as never, {} as never, {} as never).isKnownDead(
      server!,
    );
  };

  it('is known to be dead if it has our pid, or one that no process has', async () => {
    await leave({});
    expect(await isKnownDead()).toBe(true);
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    await leave({ pid });
    expect(await isKnownDead()).toBe(true);
    await leave({ pid: process.ppid });
    expect(await isKnownDead()).toBe(false);
  });

  it.each([
    [
      'in another pid namespace of a host of the same name, as two containers are',
      { pidNamespace: OTHER_SPACE },
    ],
    ['with an unknown pid namespace, as in a row of an older version', { pidNamespace: null }],
    ['on another host', { hostname: 'far.example' }],
  ])('is not known to be dead %s: only the lease counts', async (_, facts) => {
    await leave(facts);
    expect(await isKnownDead()).toBe(false);
    const app = await rig.boot({ server: { heartbeatIntervalMs: 20, leaseMs: 60_000 } });
    await expect(rig.send(app, 1)).rejects.toThrow(/test:1/);
    const { incarnation } = await rig.database.dataSource.getRepository(MailServer).findOneByOrFail({});
    expect(incarnation).toBe('other');
  });

  it('stores the pid namespace, and whether the server takes batches', async () => {
    for (const takes of [true, false]) {
      const app = await rig.boot({ enabledAsTemplateMailServer: takes });
      await rig.reached(await rig.send(app, 1), 'completed');
      const row = await rig.database.dataSource.getRepository(MailServer).findOneByOrFail({});
      expect([row.pidNamespace, row.takesBatches]).toEqual([readPidNamespace(), takes]);
      await app.close();
    }
    // Also when it replaces the row of a dead process.
    await leave({ takesBatches: false, pidNamespace: readPidNamespace() });
    const app = await rig.boot({ enabledAsTemplateMailServer: true });
    await rig.reached(await rig.send(app, 1), 'completed');
    const row = await rig.database.dataSource.getRepository(MailServer).findOneByOrFail({});
    expect([row.incarnation === 'other', row.takesBatches]).toEqual([false, true]);
  });
});
