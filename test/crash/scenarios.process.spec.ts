import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Mailing } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { assertProgressAddsUp, readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { waitUntil } from '../support/wait-until.js';
import { HostRig } from './processes/host-rig.js';

const RECIPIENTS = 65;

forEachDatabase('an event whose handling is killed half-way', (kind) => {
  const rig = HostRig.forEachTest(kind, 'scenarios.process');
  let inbox: SmtpInbox;

  beforeEach(async () => {
    inbox = await SmtpInbox.start({ keepRaw: 0 });
  });
  afterEach(() => inbox.close());

  const start = (dieAt: string): ChildProcess =>
    rig.start({ SMTP_URL: inbox.url, RECIPIENTS: String(RECIPIENTS), DIE_AT: dieAt });

  it('sends each recipient one copy when it is handled again, twice', async () => {
    for (const place of [34, 57]) {
      const [, signal] = (await once(start(String(place)), 'exit')) as [number | null, string | null];
      expect(signal).toBe('SIGKILL');
    }
    start('never');
    const mailings = await waitUntil(
      async () => {
        const all = await rig.database.dataSource.getRepository(Mailing).find({ order: { id: 'ASC' } });
        return all.filter(({ status }) => status === 'completed').length === 7 ? all : null;
      },
      { what: 'all cuts to complete' },
    );
    const completed = mailings.filter(({ status }) => status === 'completed');
    expect(completed.filter(({ numProfiles }) => numProfiles === 10)).toHaveLength(6);
    expect(completed.filter(({ numProfiles }) => numProfiles === 5)).toHaveLength(1);
    expect(new Set(completed.map(({ batchExecId }) => batchExecId))).toEqual(
      new Set(['Orders:receipt:4711']),
    );
    const progress = await Promise.all(completed.map(({ id }) => readProgress(rig.database.dataSource, id)));
    progress.forEach(assertProgressAddsUp);
    const copies = inbox.countsByRecipient();
    expect(Math.max(...copies.values())).toBe(1);
    const sent = progress.reduce((sum, { byStatus }) => sum + (byStatus.sent ?? 0), 0);
    const inDoubt = progress.reduce((sum, { byStatus }) => sum + (byStatus.in_doubt ?? 0), 0);
    expect(sent + inDoubt).toBe(RECIPIENTS);
    expect(copies.size).toBeGreaterThanOrEqual(sent);
  });
});
