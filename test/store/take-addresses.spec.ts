import { expect, it } from 'vitest';
import { mailboxKey } from '../../libs/mailing/src/model/addresses/email-address.js';
import { toListedRecipient } from '../../libs/mailing/src/model/mail/listed-recipient.js';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import {
  claimAddresses,
  type WantedAddress,
} from '../../libs/mailing/src/store/recipients/claim-addresses.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { ExplainingDatabase } from '../support/databases/explaining-database.js';
import { forEachDatabase, forEachInnoDb } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';

const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
const keyOf = (n: number): string => mailboxKey(`reader${n}@home.example`);
const wanted = (places: number[], person: (idx: number) => number): WantedAddress[] =>
  places.map((idx) => ({ idx, key: keyOf(person(idx)) }));

/** A list of so many plain addresses. */
async function listOf(fresh: FreshDatabase, count: number): Promise<string> {
  const persister = new TemplateEmailPersister(new MailingDatabase(fresh.dataSource));
  const mailingId = (await persister.createMailing(INFO, 'test:1', 'list')) as string;
  for (let first = 0; first < count; first += 500) {
    const length = Math.min(500, count - first);
    const chunk = Array.from({ length }, (_, n) => ({
      ...toListedRecipient(`reader${first + n}@home.example`, true),
      idx: first + n,
    }));
    await persister.writeChunk(mailingId, 'list', chunk);
  }
  return mailingId;
}

forEachDatabase('claims of addresses', (kind) => {
  it('grant each address once to concurrent servers, and return the same holder to all', async () => {
    await using fresh = await freshDatabase(kind);
    const servers = await Promise.all(
      Array.from({ length: 4 }, async () => new MailingDatabase(await fresh.connect())),
    );
    for (let round = 0; round < 25; round++) {
      // Each server has the same twenty addresses at idx values of its own, in an order of its own.
      const answers = await Promise.all(
        servers.map((server, n) => {
          const places = Array.from({ length: 20 }, (_, place) => n * 100 + ((place * 7) % 20));
          return claimAddresses(
            server,
            `mailing ${round}`,
            wanted(places, (idx) => idx % 100),
          );
        }),
      );
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      for (let person = 0; person < 20; person++) {
        const holder = answers[0].get(keyOf(person)) as number;
        expect(holder % 100).toBe(person);
      }
    }
  });

  it('go to the smallest idx of one call, and stay there', async () => {
    await using fresh = await freshDatabase(kind);
    const database = new MailingDatabase(fresh.dataSource);
    const ask = (places: number[]): Promise<Map<string, unknown>> =>
      claimAddresses(
        database,
        'mailing',
        wanted(places, () => 1),
      );
    expect([...(await ask([9, 5, 7])).values()]).toEqual([5]);
    expect([...(await ask([3])).values()]).toEqual([5]);
    expect([...(await ask([5])).values()]).toEqual([5]);
  });

  it('go to a plain address of the same mailing, even if a profile was first; other mailings do not count', async () => {
    await using fresh = await freshDatabase(kind);
    const database = new MailingDatabase(fresh.dataSource);
    const mailingId = await listOf(fresh, 3);
    const holders = await claimAddresses(
      database,
      mailingId,
      wanted([100, 105], (idx) => idx - 100),
    );
    expect(holders).toEqual(
      new Map<string, unknown>([
        [keyOf(0), 'plain address'],
        [keyOf(5), 105],
      ]),
    );
    expect(
      (
        await claimAddresses(
          database,
          'another',
          wanted([0], () => 0),
        )
      ).get(keyOf(0)),
    ).toBe(0);
  });

  it('take as many addresses as a run may have in doubt', async () => {
    await using fresh = await freshDatabase(kind);
    const database = new MailingDatabase(fresh.dataSource);
    const places = Array.from({ length: 5_003 }, (_, idx) => idx);
    const holders = await claimAddresses(
      database,
      'mailing',
      wanted(places, (idx) => idx % 5_000),
    );
    expect(holders.size).toBe(5_000);
    expect(holders.get(keyOf(0))).toBe(0);
  });
});

forEachInnoDb('claims of addresses', (kind) => {
  it('use keys, whatever the length of the list and the number of mailings', async () => {
    await using fresh = await freshDatabase(kind);
    const mailingId = await listOf(fresh, 20_000);
    const plain = new MailingDatabase(fresh.dataSource);
    for (const one of [mailingId, 'another', 'a third']) {
      const places = Array.from({ length: 3_000 }, (_, idx) => idx);
      await claimAddresses(
        plain,
        one,
        wanted(places, (idx) => 30_000 + idx),
      );
    }
    await fresh.dataSource.query('ANALYZE TABLE dps_mail_address_claim, dps_email_address');
    const database = new ExplainingDatabase(fresh.dataSource);
    await claimAddresses(
      database,
      mailingId,
      wanted([5, 6, 7], (idx) => 30_000 + idx),
    );
    const keys = database.plans.map(({ key, rows }) => ({ key, few: rows <= 6 }));
    expect(keys).toEqual([
      { key: 'PRIMARY', few: true },
      { key: 'uq_dps_email_address_key', few: true },
    ]);
    database.plans.length = 0;
    await claimAddresses(
      database,
      mailingId,
      wanted([5, 6, 7], (idx) => 60_000 + idx),
    );
    expect(database.plans.map(({ key }) => key)).toEqual(['uq_dps_email_address_key']);
  });
});
