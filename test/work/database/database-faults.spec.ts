import { getDataSourceToken } from '@nestjs/typeorm';
import { createConnection } from 'mysql2/promise';
import type { DataSource } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { forEachDatabase, forEachInnoDb } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';
import { holdMessagesAfter } from '../../support/network/hold-messages.js';

/** Counts how often a commit was repeated. */
function retriesOf(app: MailingApp): { errors: string[] } {
  const seen = { errors: [] as string[] };
  app.events.on('run:commit-retried', ({ error }) => seen.errors.push(String(error)));
  return seen;
}

forEachDatabase('a database that fails', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const TABLE = 'dps_email_address';
  const rename = (from: string, to: string): Promise<unknown> =>
    rig.database.dataSource.query(`ALTER TABLE ${from} RENAME TO ${to}`);

  /** A mailing whose commits fail, so that its last outcomes are only in memory. */
  const stalled = async (): Promise<{ app: MailingApp; mailingId: string; completed: Promise<unknown> }> => {
    const app = await rig.boot({ run: { databaseRetryTimeoutMs: 100 } });
    const isStalled = new Promise<void>((resolve) => app.events.on('run:stalled', () => resolve()));
    const release = holdMessagesAfter(rig.inbox, 30);
    const { mailingId, completed } = await app.sender.sendEmailMessage(INFO, people(150), { persist: true });
    await rig.inbox.waitFor(31);
    await rename(TABLE, 'out_of_reach');
    release();
    await isStalled;
    return { app, mailingId: mailingId as string, completed };
  };

  it('for longer than databaseRetryTimeoutMs stops the run, and the same process resumes it later without losing an outcome', async () => {
    const { mailingId, completed } = await stalled();
    const received = rig.inbox.messages.length;
    await rename('out_of_reach', TABLE);
    await rig.reached(mailingId, 'completed');
    expect(await completed).toMatchObject({ status: 'completed', numSent: 150, numErrors: 0 });
    expect(received).toBeLessThan(150);
    await rig.assertAllSent(mailingId, 150);
  });

  it('and recovers when the server stops: outcomes kept in memory are written', async () => {
    const { app, mailingId } = await stalled();
    await rename('out_of_reach', TABLE);
    await app.close();
    const { byStatus, mailing } = await rig.progress(mailingId);
    expect(mailing).toMatchObject({ status: 'pending', numSent: rig.inbox.messages.length, numErrors: 0 });
    expect(byStatus).toEqual({ sent: rig.inbox.messages.length, pending: 150 - rig.inbox.messages.length });
  });

  it('at the commit that completes a mailing: the promise of its completion still resolves', async () => {
    const app = await rig.boot({ run: { databaseRetryTimeoutMs: 0 } });
    const database = app.nest.get(MailingDatabase, { strict: false });
    const transaction = database.transaction.bind(database) as MailingDatabase['transaction'];
    const { mailingId, completed } = await app.sender.sendEmailMessage(INFO, people(40), { persist: true });
    database.transaction = async (steps) => {
      const result = await transaction(steps);
      // Only the answer to this commit gets lost.
      if ((await app.query.get(mailingId as string))?.status === 'completed') {
        database.transaction = transaction;
        throw new Error('read ECONNRESET');
      }
      return result;
    };
    expect(await completed).toMatchObject({ status: 'completed', numSent: 40 });
    await rig.assertAllSent(mailingId as string, 40);
  });

  it('during a command: the command fails as a whole, and the mailing continues', async () => {
    const { app, mailingId } = await stalled();
    await rename('dps_mailing', 'also_out_of_reach');
    await expect(app.sender.pause(mailingId)).rejects.toThrow();
    await rename('also_out_of_reach', 'dps_mailing');
    await rename('out_of_reach', TABLE);
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 150);
  });
});

describe('a database that fails (sqlite)', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('because the disk is full: no recipient is lost, and the mailing continues when there is room', async () => {
    const app = await rig.boot({ retry: { initialDelayMs: 20 } });
    const own = app.nest.get<DataSource>(getDataSourceToken());
    const { errors } = retriesOf(app);
    const mailingId = await rig.send(app, 400);
    await rig.inbox.waitFor(10);
    await own.query('PRAGMA max_page_count = 1');
    // A sent recipient needs no more room than its row had; the text of a refusal does.
    const refused = new Set<string>();
    rig.inbox.answer = ({ command, to }) => {
      if (command !== 'RCPT' || refused.has(to[0])) return undefined;
      refused.add(to[0]);
      return { code: 450, text: `4.2.0 come back later ${'x'.repeat(900)}` };
    };
    await waitUntil(() => errors.some((error) => /full/.test(error)), { what: 'the disk to be full' });
    const kept = rig.inbox.messages.length;
    await own.query('PRAGMA max_page_count = 1000000');
    await rig.reached(mailingId, 'completed');
    expect(kept).toBeLessThan(400);
    await rig.assertAllSent(mailingId, 400);
  });
});

/** How many deadlocks the server has resolved since its start. */
const DEADLOCKS = {
  mariadb:
    "SELECT VARIABLE_VALUE AS count FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'Innodb_deadlocks'",
  mysql: "SELECT COUNT AS count FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks'",
};

forEachInnoDb('a database that fails', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const other = (): Promise<Awaited<ReturnType<typeof createConnection>>> =>
    createConnection(rig.database.url.replace('mariadb:', 'mysql:'));

  it('D7 with deadlocks: the commit is repeated as a whole', async () => {
    const app = await rig.boot();
    const mailingId = await rig.send(app, 120);
    const rival = await other();
    let deadlocks = 0;
    const numSent = async (): Promise<number> => (await app.query.get(mailingId))?.numSent ?? 0;
    // Recipients first and the mailing after them: the opposite order of a commit.
    while ((await numSent()) < 60) {
      await rival.query('START TRANSACTION');
      await rival
        .query(`UPDATE dps_email_address SET attempts = attempts WHERE mailing_id = ? AND status <> 'sent'`, [
          mailingId,
        ])
        .then(() => rival.query('UPDATE dps_mailing SET name = NULL WHERE id = ?', [mailingId]))
        .catch((error: { errno?: number }) => (deadlocks += error.errno === 1213 ? 1 : 0));
      await rival.query('ROLLBACK');
    }
    const [rows] = await rival.query(DEADLOCKS[kind]);
    await rival.end();
    expect(Number((rows as { count: string }[])[0].count) + deadlocks).toBeGreaterThan(0);
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 120);
  });

  it('D7 with lock wait timeouts: the commit is repeated as a whole', async () => {
    const app = await rig.boot({}, { dataSource: { extra: { connectionLimit: 4 } } });
    const own = app.nest.get<DataSource>(getDataSourceToken());
    for (let n = 0; n < 4; n++) await own.query('SET SESSION innodb_lock_wait_timeout = 1');
    const mailingId = await rig.send(app, 120);
    await rig.inbox.waitFor(20);
    const rival = await other();
    await rival.query('START TRANSACTION');
    await rival.query('SELECT id FROM dps_mailing WHERE id = ? FOR UPDATE', [mailingId]);
    const before = (await rig.progress(mailingId)).mailing.numSent;
    await rival.query('DO SLEEP(2.5)');
    expect((await rig.progress(mailingId)).mailing.numSent).toBe(before);
    await rival.query('ROLLBACK');
    await rival.end();
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 120);
  });

  it('D8 with lost connections: new ones are opened, and no recipient gets a second copy', async () => {
    const app = await rig.boot();
    const { errors } = retriesOf(app);
    const mailingId = await rig.send(app, 300);
    const killer = await other();
    for (let moment = 40; moment <= 240; moment += 40) {
      await rig.inbox.waitFor(moment);
      const [rows] = await killer.query(
        'SELECT id FROM information_schema.PROCESSLIST WHERE db = DATABASE() AND id <> CONNECTION_ID()',
      );
      for (const { id } of rows as { id: number }[]) await killer.query(`KILL ${id}`).catch(() => undefined);
    }
    await killer.end();
    await waitUntil(
      async () => (await rig.progress(mailingId).catch(() => null))?.mailing.status === 'completed',
      {
        what: 'the mailing to be completed',
        deadlineMs: 20_000,
      },
    );
    expect(errors.length).toBeGreaterThan(0);
    await rig.assertAllSent(mailingId, 300);
  });

  it.each([1, 2])(
    'D9 with a pool of %d connections and a short queue: the mailing completes',
    async (connectionLimit) => {
      const app = await rig.boot({}, { dataSource: { extra: { connectionLimit, queueLimit: 8 } } });
      const busy = app.nest.get<DataSource>(getDataSourceToken());
      const mailingId = await rig.send(app, 100);
      // The host itself uses all connections.
      const hogging = Array.from({ length: 12 }, () => busy.query('DO SLEEP(0.05)').catch(() => undefined));
      await Promise.all(hogging);
      await rig.reached(mailingId, 'completed');
      await rig.assertAllSent(mailingId, 100);
    },
  );

  it('D6 with a driver that counts changed rows instead of found rows: commands have the same effect', async () => {
    const app = await rig.boot({}, { dataSource: { extra: { flags: ['-FOUND_ROWS'] } } });
    const mailingId = await rig.send(app, 120);
    await rig.inbox.waitFor(20);
    await app.sender.pause(mailingId);
    await app.sender.pause(mailingId);
    await rig.reached(mailingId, 'paused');
    await app.sender.resume(mailingId);
    await app.sender.resume(mailingId);
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 120);
  });
});
