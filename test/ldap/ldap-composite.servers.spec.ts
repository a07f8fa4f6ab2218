import { Injectable } from '@nestjs/common';
import { TypeOrmModule, InjectRepository } from '@nestjs/typeorm';
import type { ProfileRepository, RecipientProfile } from 'nestjs-mailing';
import {
  CompositeProfileRepository,
  LdapOptionsError,
  LdapProfileRepository,
  MailingLdapModule,
} from 'nestjs-mailing/ldap';
import { Column, Entity, In, PrimaryColumn, type Repository } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { assertProgressAddsUp } from '../support/databases/stored-progress.js';
import { directories, PEOPLE, readers } from '../support/directory.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { READER } from '../support/servers/ldap.server.js';
import { INFO, MailingRig } from '../support/hosts/mailing-rig.js';
import { canHaveOpenLdap } from '../support/servers/open-ldap.programs.js';

const hasLdap = await canHaveOpenLdap();

@Entity('member_mail')
class MemberMail {
  @PrimaryColumn({ type: 'varchar', length: 255 })
  dn: string;

  @Column({ type: 'boolean' })
  wantsMail: boolean;

  @Column({ type: 'varchar', length: 10 })
  status: 'valid' | 'invalid';

  @Column({ type: 'varchar', length: 50 })
  club: string;
}

@Injectable()
class MemberRows implements ProfileRepository {
  constructor(@InjectRepository(MemberMail) private readonly rows: Repository<MemberMail>) {}

  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    const rows = await this.rows.findBy({ dn: In(ids) });
    return new Map(
      rows.map(({ dn, wantsMail, status, club }) => [
        dn,
        {
          email: 'nobody@elsewhere.example',
          name: 'Not This One',
          receiveEmail: Boolean(wantsMail),
          emailStatus: status,
          data: { club },
        },
      ]),
    );
  }
}

@Injectable()
class Members extends CompositeProfileRepository {
  constructor(primary: LdapProfileRepository, secondary: MemberRows) {
    super({ primary, secondary, fromSecondary: ['emailStatus', 'receiveEmail', 'data'] });
  }
}

forEachDatabase('a directory combined with a table', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const directory = directories();

  it.skipIf(!hasLdap)(
    'sends to profiles of the directory, unless the table says that they opted out',
    async () => {
      const people = readers(5);
      const { url } = await directory(people);
      const ldap = MailingLdapModule.forRoot({
        url,
        ...READER,
        base: PEOPLE,
        attributes: { data: { club: 'cn', known: 'sn' } },
      });
      const table = TypeOrmModule.forFeature([MemberMail]);
      const parts = {
        module: class MembersModule {},
        imports: [ldap, table],
        providers: [MemberRows, Members],
      };
      const app = await rig.boot(
        { profileRepository: Members },
        {
          imports: [parts],
          dataSource: { synchronize: true },
          templates: { 'letter.hbs': '{{name}} of {{club}}, {{known}}' },
        },
      );
      const rows = [
        { dn: people[0].dn, wantsMail: true, status: 'valid', club: 'Chess' },
        { dn: people[1].dn, wantsMail: false, status: 'valid', club: 'Chess' },
        { dn: people[2].dn, wantsMail: true, status: 'invalid', club: 'Chess' },
        // An entry that the directory no longer has.
        { dn: `cn=Gone,${PEOPLE}`, wantsMail: true, status: 'valid', club: 'Chess' },
      ] as const;
      const dataSource = app.nest.get(MemberRows, { strict: false })['rows'].manager;
      await dataSource.insert(MemberMail, [...rows]);

      const list = [...people.map(({ dn }) => dn), rows[3].dn].map((userId) => ({ userId }));
      const { mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
      await rig.reached(mailingId as string, 'completed');

      const progress = await rig.progress(mailingId as string);
      assertProgressAddsUp(progress);
      expect(progress.recipients.map(({ status, errorCode }) => errorCode ?? status)).toEqual([
        'sent',
        'opted_out',
        'email_status_invalid',
        'sent',
        'sent',
        'no_profile',
      ]);
      const texts = new Map<unknown, unknown>();
      for (const message of rig.inbox.messages)
        texts.set(message.to[0], (await message.parsed()).text?.trim());
      expect(texts).toEqual(
        new Map([
          ['reader0@home.example', 'Reader 0 of Chess, X'],
          ['reader3@home.example', 'Reader 3 of Reader 3, X'],
          ['reader4@home.example', 'Reader 4 of Reader 4, X'],
        ]),
      );
    },
  );
});

describe('CompositeProfileRepository', () => {
  const none = { findByIds: async () => new Map<string, RecipientProfile>() };
  /** Records its calls. */
  const view = (name: string, calls: string[], ...setters: string[]): ProfileRepository => ({
    ...none,
    ...Object.fromEntries(
      setters.map((setter) => [
        setter,
        async (what: unknown) => calls.push(`${name}.${setter} ${String(what)}`),
      ]),
    ),
  });

  it('passes updates on to the secondary repository, else to the primary one, else it has no such method', async () => {
    const calls: string[] = [];
    const both = new CompositeProfileRepository({
      primary: view('first', calls, 'setEmailStatus', 'setLastEmailed'),
      secondary: view('second', calls, 'setEmailStatus'),
    });
    await both.setEmailStatus?.(['ann@home.example'], 'invalid');
    await both.setLastEmailed?.(['cn=Ann'], new Date());
    expect(calls).toEqual(['second.setEmailStatus ann@home.example', 'first.setLastEmailed cn=Ann']);
    expect(both.setReceiveEmail).toBeUndefined();
  });

  it('prefers the values of the secondary repository, and rejects with the error of either', async () => {
    const at = new Date('2026-01-31T12:00:00Z');
    const first = {
      email: 'ann@home.example',
      name: 'Ann',
      locale: 'de',
      receiveEmail: false,
      data: { a: 1 },
    };
    const second = { email: 'x@home.example', name: 'X', locale: 'fr', lastEmailed: at, data: { a: 2 } };
    const primary = { findByIds: async () => new Map<string, RecipientProfile>([['ann', first]]) };
    const secondary = {
      findByIds: async () =>
        new Map<string, RecipientProfile>(['ann', 'bob'].map((id) => [id, second] as const)),
    };
    const merged = await new CompositeProfileRepository({ primary, secondary }).findByIds(['ann', 'bob']);
    expect(merged).toEqual(new Map([['ann', { ...first, lastEmailed: at }]]));

    const broken = {
      findByIds: async () => {
        throw new Error('the table is locked');
      },
    };
    const half = new CompositeProfileRepository({ primary, secondary: broken });
    await expect(half.findByIds(['ann'])).rejects.toThrow('the table is locked');
  });

  it.each([
    ['primary', { secondary: none }, 'a ProfileRepository, got nothing'],
    ['secondary', { primary: none, secondary: {} }, 'a ProfileRepository, got an object'],
    ['fromSecondary', { primary: none, secondary: none, fromSecondary: ['mail'] }, 'a list of emailStatus'],
    ['third', { primary: none, secondary: none, third: none }, 'absent, because'],
  ])('refuses a wrong %s', (option, options, words) => {
    const make = (): unknown => new CompositeProfileRepository(options as never);
    expect(make).toThrow(LdapOptionsError);
    expect(make).toThrow(`expected ${option} to be ${words}`);
  });
});
