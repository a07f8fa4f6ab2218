import type { Recipient } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { assertProgressAddsUp, readProgress } from '../../support/databases/stored-progress.js';
import { type DatabaseKind, INNODB_KINDS, isChosen } from '../../support/databases/database-kinds.js';
import { freshDatabase } from '../../support/databases/fresh-database.js';
import { mailingApp } from '../../support/hosts/mailing-app.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';

const INFO = { templateUrl: 'letter.hbs', subject: '🌻 for {{name}}', from: 'news@shop.example' };
const people = (count: number): Recipient[] =>
  Array.from({ length: count }, (_, n) => ({ email: `reader${n}@home.example`, name: `读者 ${n} 🌻` }));

const SETTINGS: [DatabaseKind, string, object][] = [
  ...INNODB_KINDS.flatMap((kind): [DatabaseKind, string, object][] => [
    [kind, 'D9 a pool of one connection', { extra: { connectionLimit: 1 } }],
    [kind, 'D9 a pool of two connections', { extra: { connectionLimit: 2 } }],
    [kind, 'D1 numbers as texts', { supportBigNumbers: true, bigNumberStrings: true }],
    [kind, 'D2 another time zone', { timezone: '+09:00' }],
    [kind, 'D6 changed rows instead of found rows', { extra: { flags: ['-FOUND_ROWS'] } }],
    [kind, 'D16 a table prefix', { entityPrefix: 'app_' }],
  ]),
  ['postgres', 'D9 a pool of one connection', { poolSize: 1 }],
  ['postgres', 'D1 numbers as numbers', { parseInt8: true }],
  ['postgres', 'D2 another time zone', { extra: { options: '-c TimeZone=Asia/Tokyo' } }],
  ['postgres', 'D7 the strictest isolation', { isolationLevel: 'SERIALIZABLE' }],
  ['postgres', 'D16 a table prefix', { entityPrefix: 'app_' }],
];

const chosen = SETTINGS.filter(([kind]) => isChosen(kind));

describe.runIf(chosen.length > 0)('settings of the host’s data source', () => {
  it.each(chosen)(
    '(%s) %s: each recipient gets one message, and the counters match the rows',
    async (kind, _, dataSource) => {
      const prefix = 'entityPrefix' in dataSource ? String(dataSource.entityPrefix) : undefined;
      // D11: a default character set that can not store most of these names, where the database has one.
      const database = await freshDatabase(kind, { charset: 'latin1', prefix });
      const inbox = await SmtpInbox.start();
      const app = await mailingApp({ databaseUrl: database.url, smtpUrl: inbox.url, dataSource });
      try {
        const mailings = await Promise.all(
          [1, 2, 3].map(() => app.sender.sendEmailMessage(INFO, people(60), true, true)),
        );
        for (const { completed, mailingId } of mailings) {
          expect(await completed).toMatchObject({ status: 'completed', numSent: 60, numProfiles: 60 });
          assertProgressAddsUp(await readProgress(database.dataSource, mailingId as string));
        }
        expect([...inbox.countsByRecipient().values()]).toEqual(people(60).map(() => 3));
        const letter = await inbox.messages.find(({ to }) => to[0] === 'reader7@home.example')?.parsed();
        expect(letter?.subject).toBe('🌻 for 读者 7 🌻');
      } finally {
        await app.close();
        await inbox.close();
        await database.dispose();
      }
    },
  );
});

describe('a source of recipients that stalls', () => {
  it('is not waited for at shutdown, and its mailing sends to no recipient', async () => {
    const database = await freshDatabase('sqlite');
    const inbox = await SmtpInbox.start();
    const options = { databaseUrl: database.url, smtpUrl: inbox.url };
    const app = await mailingApp({ ...options, mailing: { server: { shutdownTimeoutMs: 50 } } });
    async function* stalled(): AsyncGenerator<Recipient> {
      yield* people(1_200);
      await new Promise(() => undefined);
    }
    const sending = app.sender.sendEmailMessage(INFO, stalled(), true, true);
    sending.catch(() => undefined);
    await app.close();
    const next = await mailingApp(options);
    try {
      await next.restarter.sweep();
      expect(inbox.messages).toHaveLength(0);
    } finally {
      await next.close();
      await inbox.close();
      await database.dispose();
    }
  });
});
