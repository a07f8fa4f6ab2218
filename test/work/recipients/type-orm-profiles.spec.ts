import { TypeOrmModule } from '@nestjs/typeorm';
import {
  mailingEntities,
  type MailingModuleOptions,
  type ProfileMapping,
  TypeOrmProfileRepository,
} from 'nestjs-mailing';
import { type DataSource, Entity, PrimaryColumn, type Repository } from 'typeorm';
import { beforeEach, describe, expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { Customer } from '../../support/hosts/customer.entity.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';
import { type MailingApp } from '../../support/hosts/mailing-app.js';

const MAPPING = {
  id: 'number',
  email: 'mail',
  name: ['firstName', 'familyName'],
  emailStatus: { column: 'mailState', invalid: ['bounced', 'blocked'], valid: 'ok' },
  receiveEmail: { column: 'wantsMail', no: [0], yes: 1 },
  lastEmailed: 'lastMail',
  locale: 'language',
  data: ['firstName', 'points'],
} satisfies ProfileMapping<Customer>;

@Entity('shop_member')
class Member {
  @PrimaryColumn({ type: 'varchar', length: 50 })
  id: string;

  @PrimaryColumn({ type: 'varchar', length: 50 })
  email: string;
}

forEachDatabase('profiles in a table of the host', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  let customers: Repository<Customer>;
  let host: DataSource;

  beforeEach(async () => {
    host = await rig.database.connect({
      entities: [...mailingEntities, Customer, Member],
      synchronize: true,
    });
    customers = host.getRepository(Customer);
  });

  const boot = (
    more: Partial<MailingModuleOptions> = {},
    templates?: Record<string, string>,
  ): Promise<MailingApp> =>
    rig.boot(
      { profileRepository: TypeOrmProfileRepository.of(Customer, MAPPING), ...more },
      { imports: [TypeOrmModule.forFeature([Customer])], templates },
    );
  const add = async (...rows: Partial<Customer>[]): Promise<{ userId: string }[]> => {
    const saved = await customers.save(customers.create(rows));
    return saved.map(({ number }) => ({ userId: String(number) }));
  };

  it('are read with the host’s column names, and are the context of the templates', async () => {
    const letter = '<p>{{name}}/{{firstName}}/{{points}}/{{mailState}}</p>';
    const app = await boot({ profiles: { hoursContactFatigue: 1 } }, { 'letter.hbs': letter });
    const ids = await add(
      { mail: 'ann@home.example', firstName: 'Ann', familyName: 'Müller', points: 7, wantsMail: 1 },
      { mail: 'nameless@home.example', firstName: null, familyName: ' ' },
      { mail: 'bounced@home.example', mailState: 'bounced' },
      { mail: 'blocked@home.example', mailState: 'blocked' },
      { mail: 'no@home.example', wantsMail: 0 },
      { mail: 'lately@home.example', lastMail: new Date(Date.now() - 1_800_000) },
      { mail: 'once@home.example', lastMail: new Date(Date.now() - 5_400_000) },
      { mail: '' },
    );
    const strange = ['0', '07', '1 apple', 'ann', '99999999999999999999', '1.0', '-1'];
    const list = [...ids, ...strange.map((userId) => ({ userId }))];
    const { mailingId } = await app.sender.sendEmailMessage(INFO, list, false, true);
    const progress = await rig.progress(mailingId!);
    assertProgressAddsUp(progress);
    expect(progress.recipients.map(({ status, errorCode }) => errorCode ?? status)).toEqual([
      'sent',
      'sent',
      'email_status_invalid',
      'email_status_invalid',
      'opted_out',
      'contact_fatigue',
      'sent',
      'no_address',
      ...strange.map(() => 'no_profile'),
    ]);
    const texts = new Map<string, string>();
    for (const message of rig.inbox.messages) {
      const { to, html } = await message.parsed();
      texts.set((to as { text: string }).text, String(html));
    }
    expect(texts.get('"Ann Müller" <ann@home.example>')).toContain('<p>Ann Müller/Ann/7/</p>');
    // C7: a profile without a name has none in the context.
    expect(texts.get('nameless@home.example')).toContain('<p>//0/</p>');
  });

  it('C20 are read just before the send: a profile that became invalid while others were sent to is skipped', async () => {
    const app = await boot({ run: { concurrency: 2, maxInDoubt: 4 } });
    const ids = await add(...Array.from({ length: 30 }, (_, n) => ({ mail: `reader${n}@home.example` })));
    let isChanged = false;
    rig.inbox.answer = async ({ command }) => {
      if (command !== 'END' || isChanged) return;
      isChanged = true;
      await host
        .getRepository(Customer)
        .update([{ mail: 'reader20@home.example' }], { mailState: 'bounced' });
      await customers.update({ mail: 'reader25@home.example' }, { wantsMail: 0 });
    };
    const { mailingId } = await app.sender.sendEmailMessage(INFO, ids, false, true);
    expect(await app.query.get(mailingId!)).toMatchObject({ numSent: 28, numSkipped: 2, numErrors: 0 });
    expect(await app.query.reasons(mailingId!)).toEqual([
      { status: 'sent', code: null, count: 28 },
      { status: 'skipped', code: 'email_status_invalid', count: 1 },
      { status: 'skipped', code: 'opted_out', count: 1 },
    ]);
    const received = rig.inbox.countsByRecipient();
    expect(received.has('reader20@home.example') || received.has('reader25@home.example')).toBe(false);
  });

  it('are updated with when they were mailed, and which addresses do not exist, in any spelling', async () => {
    rig.inbox.answer = ({ command, to }) =>
      command === 'RCPT' && to.at(-1)?.startsWith('gone')
        ? { code: 550, text: '5.1.1 Nobody here' }
        : undefined;
    const app = await boot();
    const [ann, gone] = await add(
      { mail: 'ann@home.example' },
      { mail: 'gone@bücher.example' },
      { mail: 'GONE@xn--bcher-kva.EXAMPLE' },
      { mail: 'gone@home.example' },
    );
    await app.sender.sendEmailMessage(INFO, [ann, gone], false, true);
    const rows = await customers.find({ order: { number: 'ASC' } });
    expect(rows.map(({ mailState }) => mailState)).toEqual(['ok', 'bounced', 'bounced', 'ok']);
    expect(Math.abs(rows[0].lastMail!.getTime() - Date.now())).toBeLessThan(60_000);
    expect(rows.slice(1).map(({ lastMail }) => lastMail)).toEqual([null, null, null]);
  });

  it('never move back the time they were last mailed, and take preferences as booleans and as numbers', async () => {
    const profiles = new TypeOrmProfileRepository(host, Customer, MAPPING);
    const [{ userId }] = await add({ mail: 'ann@home.example', mailState: 'blocked' });
    const later = new Date('2026-07-01T12:00:00.123Z');
    await profiles.setLastEmailed!([userId, 'no id'], later);
    await profiles.setLastEmailed!([userId], new Date('2026-07-01T11:00:00.000Z'));
    expect((await profiles.findByIds([userId])).get(userId)?.lastEmailed).toEqual(later);
    await profiles.setReceiveEmail!([userId], false);
    expect(await customers.findOneBy({ number: Number(userId) })).toMatchObject({ wantsMail: 0 });
    await profiles.setReceiveEmail!([userId], true);
    await profiles.setEmailStatus!(['ANN@home.example'], 'valid');
    expect(await customers.findOneBy({ number: Number(userId) })).toMatchObject({
      wantsMail: 1,
      mailState: 'ok',
    });
    const emailStatus = { column: 'language', invalid: ['?', null], valid: null } as const;
    const nullable = new TypeOrmProfileRepository(host, Customer, { ...MAPPING, emailStatus });
    await nullable.setEmailStatus!(['ann@home.example'], 'invalid');
    expect(await customers.findOneBy({ number: Number(userId) })).toMatchObject({ language: '?' });
    await nullable.setEmailStatus!(['ann@home.example'], 'valid');
    expect((await nullable.findByIds([userId])).get(userId)).toMatchObject({ emailStatus: 'invalid' });
  });

  it('are found by ids that differ in letter case only, and by more ids than one statement takes', async () => {
    const members = host.getRepository(Member);
    await members.insert([
      { id: 'ann', email: 'ann@home.example' },
      { id: 'bob', email: 'bob@home.example' },
    ]);
    const profiles = new TypeOrmProfileRepository(host, Member, { id: 'id', email: 'email' });
    const many = Array.from({ length: 70_000 }, (_, n) => `nobody-${n}`);
    const found = await profiles.findByIds([...many, 'ann', 'BOB', 'a\0']);
    expect([...found]).toMatchObject([['ann', { email: 'ann@home.example', data: { id: 'ann' } }]]);
    expect(profiles).toMatchObject({
      setEmailStatus: undefined,
      setLastEmailed: undefined,
      setReceiveEmail: undefined,
    });
  });
});

describe('a profile mapping that does not fit', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('stops the start, and the error names what is missing', async () => {
    const imports = [TypeOrmModule.forFeature([Customer])];
    const wrong = { ...MAPPING, email: 'address', data: ['pionts'] } as never;
    await expect(
      rig.boot({ profileRepository: TypeOrmProfileRepository.of<Customer>(Customer, wrong) }, { imports }),
    ).rejects.toMatchObject({ code: 'MAILING_PROFILE_COLUMNS_MISSING', columns: ['address', 'pionts'] });
    await expect(
      rig.boot(
        { profileRepository: TypeOrmProfileRepository.of(Member, { id: 'id', email: 'email' }) },
        { imports },
      ),
    ).rejects.toMatchObject({ code: 'MAILING_PROFILE_ENTITY_MISSING', entity: 'Member' });
    const elsewhere = TypeOrmProfileRepository.of(Customer, { ...MAPPING, dataSource: 'crm' });
    await expect(rig.boot({ profileRepository: elsewhere }, { imports })).rejects.toMatchObject({
      code: 'MAILING_DATA_SOURCE_MISSING',
    });
  });
});
