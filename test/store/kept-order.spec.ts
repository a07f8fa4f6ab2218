import { assert, asyncProperty, jsonValue, dictionary, string } from 'fast-check';
import { MailingEvents } from 'nestjs-mailing';
import { expect, it, vi } from 'vitest';
import { EmailAddress } from '../../libs/mailing/src/model/tables/email-address.entity.js';
import { toListedRecipient } from '../../libs/mailing/src/model/mail/listed-recipient.js';
import { Mailing } from '../../libs/mailing/src/model/tables/mailing.entity.js';
import { toStorable } from '../../libs/mailing/src/model/mail/storable.js';
import {
  toFound,
  COLUMNS_OF,
  type FoundRow,
} from '../../libs/mailing/src/store/recipients/found-recipient.js';
import { findSortingColumns } from '../../libs/mailing/src/store/environment/json-columns.check.js';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { SlotPersister } from '../../libs/mailing/src/store/intake/slot.persister.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { forEachDatabase, onDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { mailingApp } from '../support/hosts/mailing-app.js';

const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };

/** An object as accepted by the plugin: values that JSON can't hold are refused, and half a surrogate pair is replaced. */
const anyObject = dictionary(
  string({ unit: 'binary' }),
  jsonValue({ stringUnit: 'binary', maxDepth: 6 }),
).map((value) => toStorable(value, 'params'));

/** Writes and reads by the plugin's own classes. */
class Store {
  readonly database: MailingDatabase;
  readonly mailings: TemplateEmailPersister;
  readonly slots: SlotPersister;

  constructor(readonly fresh: FreshDatabase) {
    this.database = new MailingDatabase(fresh.dataSource);
    this.mailings = new TemplateEmailPersister(this.database);
    this.slots = new SlotPersister(this.database);
  }

  async write(value: Record<string, unknown>): Promise<string> {
    const info = { ...INFO, params: value };
    const id = (await this.mailings.createMailing(info, 'test:1', 'list')) as string;
    const listed = toListedRecipient({ email: 'ann@home.example', data: value }, true);
    await this.mailings.writeChunk(id, 'list', [{ ...listed, idx: 0 }]);
    await this.slots.writeChunk(id, 'list', [
      { slot: 'a', userId: 'ann', json: JSON.stringify({ is: value }) },
    ]);
    return id;
  }

  /** The value as each way of reading returns it, as JSON. */
  async read(id: string): Promise<string[]> {
    const mailing = await this.mailings.readMailing(id);
    const [row] = await this.database.rows<FoundRow>(
      `SELECT ${COLUMNS_OF.emailAddress} FROM ${this.database.tables.emailAddress} WHERE mailing_id = ?`,
      [id],
    );
    const [slot] = await this.slots.read(id, ['ann']);
    const { dataSource } = this.fresh;
    const entity = await dataSource.getRepository(Mailing).findOneByOrFail({ id });
    const address = await dataSource.getRepository(EmailAddress).findOneByOrFail({ mailingId: id });
    const read = [
      mailing?.info.params,
      toFound('emailAddress', row).data,
      slot.content,
      entity.params,
      address.data,
    ];
    return read.map((one) => JSON.stringify(one));
  }
}

forEachDatabase('JSON in the tables', (kind) => {
  it('comes back as it was written, in the same order', async () => {
    await using fresh = await freshDatabase(kind);
    const store = new Store(fresh);
    const keeps = asyncProperty(anyObject, async (value) => {
      const written = JSON.stringify(value);
      expect(await store.read(await store.write(value))).toEqual(Array.from({ length: 5 }, () => written));
    });
    await assert(keeps, { numRuns: 100 });
  });

  it.each([
    [
      'numbers',
      { n: [1.0, -0, 0.1, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 2 ** 53 + 2, -(2 ** 63), 2 ** 64] },
    ],
    [
      'keys that mean something',
      JSON.parse('{"__proto__":{"b":1,"a":2},"constructor":1,"":0,"b":2,"a b":3}'),
    ],
    ['keys that JavaScript sorts', { 10: 'a', 9: 'b', b: 1, a: 2, '-1': 3 }],
    ['letters', { ü: 'é', '📬': '😀', '\u0001': '\u007f', '\\': '"', 'e\u0301': 1, é: 2 }],
  ])('keeps %s', async (_, value: Record<string, unknown>) => {
    await using fresh = await freshDatabase(kind);
    const store = new Store(fresh);
    const written = JSON.stringify(toStorable(value, 'params'));
    expect(await store.read(await store.write(value))).toEqual(Array.from({ length: 5 }, () => written));
  });
});

onDatabase('mysql', 'JSON on MySQL', () => {
  it('is a text column that JSON functions can read', async () => {
    await using fresh = await freshDatabase('mysql');
    const value = { soup: '7', tea: '3', b: { zz: 1, a: [2, { y: 1, x: 2 }] } };
    const store = new Store(fresh);
    const written = await store.write(value);
    expect(await store.read(written)).toEqual(Array.from({ length: 5 }, () => JSON.stringify(value)));
    const inside = `SELECT JSON_UNQUOTE(JSON_EXTRACT(params, '$.b.a[1].x')) AS a, params->>'$.tea' AS b FROM dps_mailing`;
    expect(await fresh.dataSource.query(inside)).toEqual([{ a: '2', b: '3' }]);
  });

  it('is reported at the start if TypeORM created columns of type JSON', async () => {
    await using fresh = await freshDatabase('mysql', { migrate: false, prefix: 'app_' });
    await fresh.dataSource.synchronize();
    const emit = vi.spyOn(MailingEvents.prototype, 'emit');
    const dataSource = { entityPrefix: 'app_' };
    const app = await mailingApp({ databaseUrl: fresh.url, smtpUrl: 'smtp://127.0.0.1:9', dataSource });
    await app.close();
    const told = emit.mock.calls.flatMap(([name, facts]) =>
      name === 'database:risky-setting' ? [facts] : [],
    );
    emit.mockRestore();
    expect(told.map((facts) => (facts as { setting: string }).setting)).toEqual([
      'the type of app_dps_email_address.data',
      'the type of app_dps_mail_slot.content',
      'the type of app_dps_mail_template.content',
      'the type of app_dps_mailing.attachments',
      'the type of app_dps_mailing.headers',
      'the type of app_dps_mailing.params',
      'the type of app_dps_mailing.template_hashes',
      'the type of app_dps_mailing.text_options',
    ]);
  });
});

forEachDatabase('JSON columns after the migrations', (kind) => {
  it('do not sort keys', async () => {
    await using fresh = await freshDatabase(kind);
    const { dataSource } = fresh;
    expect(await findSortingColumns(dataSource, new MailingDatabase(dataSource))).toEqual([]);
  });
});
