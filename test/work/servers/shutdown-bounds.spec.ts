import { describe, expect, it, vi } from 'vitest';
import { MailingClaims } from '../../../libs/mailing/src/store/claims/mailing-claims.js';
import { TemplateEmailBatchPersister } from '../../../libs/mailing/src/store/claims/template-email-batch.persister.js';
import { ForgottenCommits } from '../../../libs/mailing/src/store/recovery/forgotten-commits.js';
import { TemplateEmailBatchServerPersister } from '../../../libs/mailing/src/store/servers/template-email-batch-server.persister.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';
import { never } from '../../support/silence.js';
import { waitUntil } from '../../support/wait-until.js';

describe('the shutdown of an application', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const part = <T>(app: MailingApp, type: new (...parts: never[]) => T): T =>
    app.nest.get<T>(type, { strict: false });

  it.each<[string, (app: MailingApp) => { mock: { calls: unknown[] } }]>([
    [
      'sweep of mailings',
      (app) => vi.spyOn(part(app, MailingClaims), 'unfinished').mockImplementation(never),
    ],
    [
      'sweep of batches',
      (app) => vi.spyOn(part(app, TemplateEmailBatchPersister), 'claimedByDead').mockImplementation(never),
    ],
    [
      'sweep for forgotten commits',
      (app) => vi.spyOn(part(app, ForgottenCommits), 'find').mockImplementation(never),
    ],
  ])('does not wait for a %s that the database does not answer', async (_, silence) => {
    const app = await rig.boot({
      server: { heartbeatIntervalMs: 100, leaseMs: 3_000, shutdownTimeoutMs: 200 },
    });
    const { mock } = silence(app);
    await waitUntil(() => mock.calls.length > 0, { what: 'the sweep' });
    // Without a bound this would never resolve.
    await app.close();
    expect(mock.calls.length).toBeGreaterThan(0);
  });

  it('does not wait for the database to remove the row of the server', async () => {
    const app = await rig.boot({
      server: { heartbeatIntervalMs: 100, leaseMs: 3_000, shutdownTimeoutMs: 200 },
    });
    await waitUntil(() => app.health.check().then(({ server }) => server.state === 'member'), {
      what: 'the first heartbeat',
    });
    const { mock } = vi
      .spyOn(part(app, TemplateEmailBatchServerPersister), 'deregister')
      .mockImplementation(never);
    await app.close();
    expect(mock.calls).toHaveLength(1);
  });
});
