import { setTimeout as delay } from 'node:timers/promises';
import { Mailing, MailServer } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { NewsletterService } from '../support/hosts/newsletter-service.js';
import { readerAddresses } from '../support/hosts/reader-list.js';
import { waitUntil } from '../support/wait-until.js';
import { ServiceRig } from './processes/service-rig.js';
import type { SmtpHook } from '../support/network/smtp-step.js';

const TEN_MINUTES_MS = 600_000;
const HOUR_MS = 3_600_000;
/** The default of the service. */
const HEARTBEAT_MS = 200;
/** Longer than a busy machine delays a process. */
const LEASE_MS = 2_000;
const RECIPIENTS = 200;
/** The mail server's delay for each message. */
const ANSWER_MS = 100;

/** Shifts every clock reading of a process, before anything else is loaded. */
function shifted(ms: number): string {
  const code = `const Real = Date; globalThis.Date = class extends Real {
    constructor(...parts) { parts.length > 0 ? super(...parts) : super(Real.now() + ${ms}); }
    static now() { return Real.now() + ${ms}; }
  };`;
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}

const slowly: SmtpHook = ({ command }) => (command === 'END' ? delay(ANSWER_MS) : undefined);

forEachDatabase('servers whose clocks are twenty minutes apart', (kind) => {
  const rig = ServiceRig.forEachTest(kind, slowly);

  const start = (
    serverId: string,
    ms: number,
    { env }: { env?: Record<string, string> } = {},
  ): Promise<NewsletterService> =>
    rig.start({
      serverId,
      env: {
        NODE_OPTIONS: shifted(ms),
        MAILING_MIGRATION_LIST: '*',
        MAILING_LEASE_MS: '1000',
        ...env,
      },
    });

  it('D5 take over nothing from each other while both live, because leases are judged by the database’s clock', async () => {
    const ahead = await start('ahead:1', TEN_MINUTES_MS);
    const behind = await start('behind:2', -TEN_MINUTES_MS);
    const mailingId = await ahead.send(RECIPIENTS);
    await ahead.completed(mailingId);
    for (const service of [ahead, behind]) {
      expect(service.countOf('mailing:adopted')).toBe(0);
      expect(service.countOf('server:lost')).toBe(0);
    }
    const { uniqServerId, numSent } = await rig.database.dataSource
      .getRepository(Mailing)
      .findOneByOrFail({});
    expect([uniqServerId, numSent]).toEqual(['ahead:1', RECIPIENTS]);
    expect([...rig.inbox.countsByRecipient().keys()].sort()).toEqual([...readerAddresses(RECIPIENTS)].sort());
    expect(rig.inbox.messages).toHaveLength(RECIPIENTS);
  });

  it('D5 prune no living server, and no standby takes over from a living one', async () => {
    const servers = rig.database.dataSource.getRepository(MailServer);
    const lease = { env: { MAILING_LEASE_MS: String(LEASE_MS), MAILING_MIGRATION_LIST: '' } };
    const ahead = await start('shop:1', 3 * HOUR_MS, lease);
    await ahead.reported('server:registered');
    const behind = await start('behind:2', -3 * HOUR_MS, lease);
    const twin = await start('shop:1', -3 * HOUR_MS, lease);
    const otherTwin = await start('behind:2', 3 * HOUR_MS, lease);
    await Promise.all([twin, otherTwin].map((one) => one.reported('server:standby')));
    // A server on another host whose heartbeats have just stopped: alive for one lease from now on, and dead after it.
    const { startedAt, lastUpdated: beganAt } = await servers.findOneByOrFail({ uniqServerId: 'shop:1' });
    const place = { hostname: 'far.example', pid: 1, startedAt, lastUpdated: beganAt };
    await servers.insert({ uniqServerId: 'far:9', incarnation: 'far', ...place });
    const far = (): Promise<boolean> => servers.existsBy({ uniqServerId: 'far:9' });
    const ageMs = async (): Promise<number> =>
      Number((await servers.findOneByOrFail({ uniqServerId: 'shop:1' })).lastUpdated) - Number(beganAt);
    await waitUntil(async () => !(await far()), { what: 'the dead server to be pruned' });
    expect(await ageMs()).toBeGreaterThanOrEqual(LEASE_MS - HEARTBEAT_MS);
    await waitUntil(async () => (await ageMs()) > 4 * LEASE_MS, { what: 'some leases to pass' });

    const all = [ahead, behind, twin, otherTwin];
    const counts = (name: 'server:pruned' | 'server:lost' | 'server:registered'): number[] =>
      all.map((one) => one.countOf(name));
    expect(counts('server:lost')).toEqual([0, 0, 0, 0]);
    expect(counts('server:registered')).toEqual([1, 1, 0, 0]);
    const [one, two, ...none] = counts('server:pruned');
    expect([one + two, none]).toEqual([1, [0, 0]]);
    await ahead.kill();
    await twin.reported('server:registered');
  });

  it('D5 D2 store times of the database’s clock only', async () => {
    const ahead = await start('ahead:1', TEN_MINUTES_MS);
    const mailingId = await ahead.send(3);
    await ahead.completed(mailingId);
    const { createdAt, startTime, endTime } = await waitUntil(
      () => rig.database.dataSource.getRepository(Mailing).findOneBy({ status: 'completed' }),
      { what: 'the mailing' },
    );
    for (const moment of [createdAt, startTime, endTime]) {
      expect(Math.abs(Number(moment) - Date.now())).toBeLessThan(TEN_MINUTES_MS / 2);
    }
  });
});
