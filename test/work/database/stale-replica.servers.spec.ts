import { MailingSuppressions, SlotService, type TemplateEmailInfo } from 'nestjs-mailing';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mailingDataSourceOptions } from '../../../ormconfig.js';
import { TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import {
  assertProgressAddsUp,
  type StoredProgress,
  readProgress,
} from '../../support/databases/stored-progress.js';
import { forEachServer } from '../../support/databases/for-each-database.js';
import { PAIR_STARTS } from '../../support/servers/database-pair.js';
import { type MailingApp, mailingApp } from '../../support/hosts/mailing-app.js';
import { INFO } from '../../support/hosts/mailing-rig.js';
import type { DatabasePair } from '../../support/servers/paired-servers.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';
import { holdMessagesAfter } from '../../support/network/hold-messages.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';
import { SplittingProxy } from '../../support/network/splitting-proxy.js';
import { waitUntil } from '../../support/wait-until.js';

const HOLD = {
  mariadb: 'STOP SLAVE SQL_THREAD',
  mysql: 'STOP REPLICA SQL_THREAD',
  postgres: 'SELECT pg_wal_replay_pause()',
};
const GO_ON = {
  mariadb: 'START SLAVE SQL_THREAD',
  mysql: 'START REPLICA SQL_THREAD',
  postgres: 'SELECT pg_wal_replay_resume()',
};
const PEOPLE = 200;
const HELD_AFTER = 20;
const DEADLINE_MS = 120_000;
const SUPPRESSED = 'reader60@home.example';
const TEMPLATES = { 'letter.hbs': '{{params_word}} {{#slot "promotion"}}{{title}}{{else}}none{{/slot}}' };

forEachServer('a proxy that reads from a lagging replica', (kind) => {
  let pair: DatabasePair;
  let primary: DataSource;
  let inbox: SmtpInbox;
  let proxy: SplittingProxy;
  let apps: MailingApp[];
  /** Recipients that the mail server does not know. */
  let refused: string | null;

  const hold = (): Promise<unknown> => pair.second.ask(HOLD[kind]);
  const goOn = (): Promise<unknown> => pair.second.ask(GO_ON[kind]);

  beforeAll(async () => {
    pair = await PAIR_STARTS[kind]();
    primary = await new DataSource(
      mailingDataSourceOptions(pair.first.url) as DataSourceOptions,
    ).initialize();
    await primary.runMigrations();
    const replica = await new DataSource(
      mailingDataSourceOptions(pair.second.url) as DataSourceOptions,
    ).initialize();
    const isThere = (): Promise<boolean> =>
      replica.query('SELECT idx FROM dps_mail_trackdata').then(
        () => true,
        () => false,
      );
    await waitUntil(isThere, { what: 'the replica to have the tables' });
    await replica.destroy();
  }, 120_000);

  afterAll(async () => {
    await primary.destroy();
    await pair[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    inbox = await SmtpInbox.start();
    proxy = new SplittingProxy(kind, pair.second.url);
    apps = [];
    refused = null;
  });

  afterEach(async () => {
    await Promise.all(apps.map((app) => app.close()));
    await inbox.close();
    await goOn();
  });

  async function boot(uniqServerId: string): Promise<MailingApp> {
    const app = await mailingApp({
      databaseUrl: pair.first.url,
      smtpUrl: inbox.url,
      templates: TEMPLATES,
      imports: [proxy.module],
      mailing: { uniqServerId, profileRepository: ProfileShelf, ...TAKES_BATCHES },
    });
    apps.push(app);
    return app;
  }

  const two = async (): Promise<[MailingApp, MailingApp]> => {
    const first = await boot('test:1');
    await first.nest.get(MailingSuppressions, { strict: false }).suppress(SUPPRESSED, 'asked for it');
    return [first, await boot('test:2')];
  };

  /** Plain addresses, and profiles; the first ten profiles have addresses of the former. */
  const listed = (): (string | { userId: string })[] => {
    ProfileShelf.fill(PEOPLE / 2, (n) => (n < 10 ? `reader${n}@home.example` : `profile${n}@home.example`));
    return Array.from({ length: PEOPLE }, (_, n) =>
      n % 2 === 0 ? `reader${n / 2}@home.example` : { userId: `p${(n - 1) / 2}` },
    );
  };

  const letter = (app: MailingApp, more: Partial<TemplateEmailInfo> = {}): TemplateEmailInfo => {
    const slots = app.nest.get(SlotService).define('promotion', { persistent: true });
    return {
      ...INFO,
      params: { params_word: 'hello' },
      slots: slots.fill('promotion', { title: 'tea' }).fillFor('p50', 'promotion', { title: 'cake' }),
      attachments: [{ filename: 'a.txt', content: 'attached' }],
      ...more,
    };
  };

  const reached = (mailingId: string, status: string): Promise<StoredProgress> =>
    waitUntil(
      async () => {
        const progress = await readProgress(primary, mailingId);
        return progress.mailing.status === status ? progress : null;
      },
      { what: `the mailing to be ${status}`, deadlineMs: 30_000 },
    );

  /** The mail server answers no message after this number. @returns a function that ends this. */
  const holdAfter = (numMessages: number): (() => void) => {
    inbox.answer = ({ command, to }) =>
      command === 'RCPT' && to[0] === refused ? { code: 550, text: '5.1.1 unknown' } : undefined;
    return holdMessagesAfter(inbox, numMessages);
  };
  const isHeld = (): Promise<boolean> =>
    waitUntil(() => inbox.messages.length > HELD_AFTER, {
      what: 'the mailing to be in progress',
      deadlineMs: 30_000,
    });

  const copies = (): number[] => [...inbox.countsByRecipient().values()];

  describe.each([true, false])('that has stopped replicating, with a mailing in batches: %s', (batched) => {
    beforeEach(hold);

    it(
      'causes no second copy, loses no recipient and fails no call',
      async () => {
        const [app, other] = await two();
        const release = holdAfter(HELD_AFTER);
        refused = 'reader70@home.example';
        const how = { persist: true, idempotencyKey: `once-${kind}-${batched}` };
        const info = letter(app, { batched, batchSize: 20 });
        const { mailingId: id } = await app.sender.sendEmailMessage(info, listed(), how);
        const mailingId = id as string;
        expect(await other.query.get(mailingId)).not.toBeNull();
        expect(await other.sender.sendEmailMessage(letter(other), listed(), how)).toMatchObject({
          mailingId,
        });
        await isHeld();
        await other.sender.pause(mailingId);
        release();
        await reached(mailingId, 'paused');
        const atPause = inbox.messages.length;
        expect(atPause).toBeLessThan(PEOPLE - 20);
        await other.sender.resume(mailingId);
        const first = await reached(mailingId, 'completed');
        assertProgressAddsUp(first);
        refused = null;
        expect(await other.sender.retry(mailingId, 'errors')).toBe(1);
        const progress = await waitUntil(
          async () => {
            const now = await reached(mailingId, 'completed');
            return now.byStatus.error === undefined ? now : null;
          },
          { what: 'the retried message to be sent', deadlineMs: 30_000 },
        );
        assertProgressAddsUp(progress);

        expect(progress.byStatus).toEqual({ sent: PEOPLE - 11, skipped: 11 });
        expect(copies()).toEqual(Array.from({ length: PEOPLE - 11 }, () => 1));
        expect(inbox.countsByRecipient().has(SUPPRESSED)).toBe(false);
        for (const message of inbox.messages) {
          const { html, attachments } = await message.parsed();
          const title = message.to[0] === 'profile50@home.example' ? 'cake' : 'tea';
          expect([String(html).trim(), attachments[0].content.toString()]).toEqual([
            `hello ${title}`,
            'attached',
          ]);
        }
        expect(proxy.asked.filter((sql) => sql.includes('dps_'))).toEqual([]);
      },
      DEADLINE_MS,
    );

    it(
      'does not prevent a cancel',
      async () => {
        const [app, other] = await two();
        const release = holdAfter(HELD_AFTER);
        const { mailingId } = await app.sender.sendEmailMessage(
          letter(app, { batched, batchSize: 20 }),
          listed(),
          { persist: true },
        );
        await isHeld();
        await other.sender.cancel(mailingId as string);
        release();
        const progress = await reached(mailingId as string, 'canceled');
        expect(copies()).toEqual(Array.from({ length: progress.byStatus.sent ?? 0 }, () => 1));
        expect(progress.byStatus.sent).toBeLessThan(PEOPLE - 11);
      },
      DEADLINE_MS,
    );
  });

  it(
    'that lags from time to time causes no second copy and loses no recipient, with pauses in between',
    async () => {
      const [app, other] = await two();
      const release = holdAfter(HELD_AFTER);
      const ids: string[] = [];
      for (const batched of [true, false]) {
        const { mailingId } = await app.sender.sendEmailMessage(
          letter(app, { batched, batchSize: 10 }),
          listed(),
          { persist: true },
        );
        ids.push(mailingId as string);
      }
      await isHeld();
      // Canceled before any are reached, and then one that is not.
      for (let n = 0; n < 6; n++) {
        await (n % 2 === 0 ? hold() : goOn());
        for (const id of ids) {
          await (n % 2 === 0 ? app : other).sender.pause(id);
          await (n % 2 === 0 ? other : app).sender.resume(id);
        }
      }
      for (const id of ids) await app.sender.pause(id);
      release();
      for (const id of ids) await reached(id, 'paused');
      await hold();
      for (const id of ids) await other.sender.resume(id);
      for (const id of ids) {
        const progress = await reached(id, 'completed');
        assertProgressAddsUp(progress);
        expect(progress.byStatus).toEqual({ sent: PEOPLE - 11, skipped: 11 });
      }
      expect(copies()).toEqual(Array.from({ length: PEOPLE - 11 }, () => 2));
    },
    DEADLINE_MS,
  );
});
