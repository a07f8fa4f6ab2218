import type { Logger } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { type DatabaseKind, isChosen } from '../../support/databases/database-kinds.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';

const RECIPIENTS = 60;
const KINDS: DatabaseKind[] = ['sqlite', 'mariadb'];

/**
 * What depends on time and not on the guard: statements about groups, whose size varies, and commits, because that of a transaction
 * that began before the count may come within it. `START TRANSACTION` counts transactions.
 */
const NOT_COUNTED = /FROM \W?dps_mail_suppression|^COMMIT$/;

/** Counts each statement by its text. */
class StatementCounts implements Logger {
  readonly byText = new Map<string, number>();
  isCounting = false;

  logQuery(sql: string): void {
    if (!this.isCounting || NOT_COUNTED.test(sql)) return;
    this.byText.set(sql, (this.byText.get(sql) ?? 0) + 1);
  }

  get total(): number {
    return [...this.byText.values()].reduce((sum, count) => sum + count, 0);
  }

  logQueryError(): void {}
  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}

describe.each(KINDS.filter(isChosen))('the error guard (%s)', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  /** One recipient for each commit and no heartbeat meanwhile, so that the number of commits does not depend on time. */
  const statementsOf = async (sampleSize: number, batched: boolean): Promise<StatementCounts> => {
    const counts = new StatementCounts();
    const app = await rig.boot(
      {
        enabledAsTemplateMailServer: true,
        batch: { numBatchThreads: 1, pollIntervalMs: 60_000 },
        run: { concurrency: 1, maxInDoubt: 1 },
        server: { heartbeatIntervalMs: 60_000, leaseMs: 600_000 },
        errorGuard: { sampleSize },
      },
      { dataSource: { logging: true, logger: counts } },
    );
    const [began, ended] = batched
      ? (['batch:started', 'mailing:ended'] as const)
      : (['run:started', 'run:ended'] as const);
    app.events.on(began, () => (counts.isCounting = true));
    let hasEnded = false;
    app.events.on(ended, () => {
      counts.isCounting = false;
      hasEnded = true;
    });
    const info = { ...INFO, batched };
    const { mailingId } = await app.sender.sendEmailMessage(info, people(RECIPIENTS), { persist: true });
    expect(await rig.reached(mailingId!, 'completed')).toMatchObject({ numSent: RECIPIENTS });
    await waitUntil(() => hasEnded, { what: 'the end of the run' });
    await app.close();
    rig.apps = [];
    return counts;
  };

  it.each([false, true])('needs no statement of its own, in a batch: %s', async (batched) => {
    const [without, withGuard] = [await statementsOf(0, batched), await statementsOf(50, batched)];
    expect(without.total).toBeGreaterThan(RECIPIENTS);
    expect(Object.fromEntries(withGuard.byText)).toEqual(Object.fromEntries(without.byText));
  });
});
