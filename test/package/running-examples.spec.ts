import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MailerModule } from '@nestjs-modules/mailer';
import { Injectable, Module, type Type } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  MailingModule,
  type ProfileRepository,
  type RecipientProfile,
  type Recipients,
  TemplateEmailSender,
} from 'nestjs-mailing';
import { Column, Entity, type ObjectLiteral, PrimaryColumn } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { directories, PEOPLE, person } from '../support/directory.js';
import { ExampleHost } from '../support/hosts/example-host.js';
import { READER } from '../support/servers/ldap.server.js';
import { INFO, MailingRig } from '../support/hosts/mailing-rig.js';
import { canHaveOpenLdap } from '../support/servers/open-ldap.programs.js';
import { blocksOf } from '../support/hosts/page-examples.js';

const hasLdap = await canHaveOpenLdap();

/** What pages call a customer where they do not say more. */
@Entity('shop_customer')
class Customer {
  @PrimaryColumn({ type: 'varchar', length: 255 }) id: string;
  @Column({ type: 'varchar', default: '' }) email: string;
  @Column({ type: 'varchar', default: '' }) name: string;
  @Column({ type: 'varchar', default: '' }) country: string;
  @Column({ type: 'boolean', default: true }) wantsMail: boolean;
}

/** Each id is that of a customer, whose address contains it. */
@Injectable()
class ShopProfiles implements ProfileRepository {
  findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    return Promise.resolve(new Map(ids.map((id) => [id, { email: `${id}@home.example`, name: id }])));
  }
}

describe('the examples of the pages', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const host = ExampleHost.forEachTest(rig);

  it('README.md: the quick start sends two letters', async () => {
    const [quickStart] = await blocksOf('README.md', 'ts');
    const [letter] = await blocksOf('README.md', 'html');
    await host.template('hello.hbs', letter);
    await mkdir(join(host.folder, 'src'));
    const database = join(host.folder, 'mailing.sqlite');
    const before = { ...process.env };
    Object.assign(process.env, { DATABASE_FILE: database, SMTP_URL: rig.inbox.url });
    try {
      const path = join(host.folder, 'src/main.ts');
      await writeFile(path, quickStart);
      await import(/* @vite-ignore */ path);
    } finally {
      process.env = before;
    }
    expect(await host.received(2)).toEqual({
      'ann@home.example': '<p>Dear Ann, 10 % off for you.</p>',
      'bob@home.example': '<p>Dear reader, 10 % off for you.</p>',
    });
  });

  it('docs/profiles.md: customers of a table get what they are to get', async () => {
    const [shop, crm, list, reasons, receipt] = await blocksOf('docs/profiles.md', 'ts');
    await host.template('points.hbs', '<p>{{firstName}} {{name}}: {{points}}</p>');
    const { ShopCustomer, ShopModule } = await host.run(shop);
    const rows = [
      { mail: 'ann@home.example', firstName: 'Ann', familyName: 'Lee', points: 7 },
      { mail: 'bob@home.example', firstName: 'Bob', mailState: 'bounced' },
      { mail: 'cy@home.example', firstName: 'Cy', wantsMail: 0 },
      { mail: 'dee@home.example', firstName: 'Dee', lastMail: new Date() },
    ];
    const customers = await host.table(ShopCustomer, rows);
    await host.mount([ShopModule]);
    async function* loyal(): AsyncGenerator<ObjectLiteral> {
      yield* await customers.find({ order: { id: 'ASC' } });
    }
    host.lend({ loyal: loyal() });
    await host.run(list);
    expect(await host.received(1)).toEqual({ 'ann@home.example': '<p>Ann Ann Lee: 7</p>' });

    const mailingId = await host.completed();
    host.lend({ mailingId });
    const printed = await printedBy(() => host.run(reasons));
    expect(printed.sort()).toEqual([
      '1 sent',
      '1 skipped: contact_fatigue',
      '1 skipped: email_status_invalid',
      '1 skipped: opted_out',
      'null 3 0',
    ]);
    await host.run(crm);
    await host.run(receipt);
  });

  it('docs/content.md: partials, layouts, headers from the template, a look before it is sent', async () => {
    const [options, send, , look] = await blocksOf('docs/content.md', 'ts');
    const [layouts, frontMatter] = await blocksOf('docs/content.md', 'hbs');
    const [page, layout] = layouts.split('{{! layout.hbs: }}');
    await mkdir(join(host.folder, 'partials'));
    await writeFile(join(host.folder, 'partials/layout.hbs'), layout);
    await host.template('newsletter.hbs', page);
    await host.template('summer.hbs', frontMatter);
    const { itself } = await host.run(options);
    await host.mount([itself]);
    await host.run(send);
    expect(await host.received(1)).toEqual({ 'ann@home.example': '<p>Dear </p>' });
    const { subject } = await rig.inbox.messages[0].parsed();
    expect(subject).toBe(', summer is here');

    const { html, report } = (await host.run(`${look}\nexport { html, report };`)) as unknown as Record<
      string,
      unknown
    >;
    expect(String(html).trim().split('\n')).toEqual(['<h1>News</h1><p>Dear Ann</p>']);
    expect(report).toMatchObject({ numRecipients: 1, numMessages: 1 });
    expect(rig.inbox.messages.slice(1).map(({ to }) => to)).toEqual([['editor@shop.example']]);
  });

  it('docs/content.md: another engine', async () => {
    const [options, send] = (await blocksOf('docs/content.md', 'ts')).slice(4);
    await host.template('welcome.pug', 'p Dear #{name}');
    const port = Number(new URL(rig.inbox.url).port);
    const { AppModule } = await host.run(options.replace(/(host: 'localhost', port:) 25/, `$1 ${port}`));
    await host.mount([AppModule], [], true);
    await host.run(send);
    expect(await host.received(1)).toEqual({ 'ann@home.example': '<p>Dear Ann</p>' });
  });

  it('docs/content.md: a renderer of your own', async () => {
    const [letters] = (await blocksOf('docs/content.md', 'ts')).slice(6);
    const { ShopLetters } = await host.run(letters);
    const templates = { dir: join(host.folder, 'templates') };
    await host.mount([MailingModule.forRoot({ templates, renderer: ShopLetters as never })]);
    await host.app
      .get(TemplateEmailSender, { strict: false })
      .sendEmailMessage({ ...INFO, templateUrl: 'any' }, [{ email: 'ann@home.example', name: 'Ann' }], false);
    const { text } = await rig.inbox.messages[0].parsed();
    expect(text?.trim()).toBe('Dear Ann');
  });

  it('docs/slots-and-scenarios.md: a promotion for all, and one for a single profile', async () => {
    const [promotions] = await blocksOf('docs/slots-and-scenarios.md', 'ts');
    const [letter] = await blocksOf('docs/slots-and-scenarios.md', 'hbs');
    await host.template('letter.hbs', letter);
    const { Promotions } = await host.run(promotions);
    const mailing = { templates: { dir: join(host.folder, 'templates') }, profileRepository: ShopProfiles };
    const app = await host.mount([MailingModule.forRoot(mailing)], [Promotions]);
    await app.get<{ send(): Promise<void> }>(Promotions).send();
    expect(await host.received(2)).toEqual({
      'c-17@home.example': '<li>0: <a href="https://shop.example/c-17">Only for you</a>, c-17</li>',
      'c-18@home.example': '<li>0: <a href="https://shop.example/half">Half price</a>, c-18</li>',
    });
  });

  it('docs/slots-and-scenarios.md: an order that is paid sends a receipt, once', async () => {
    const [, orders, sum] = await blocksOf('docs/slots-and-scenarios.md', 'ts');
    await host.template('receipt.hbs', '<p>No. {{number}}</p>');
    await host.template('weekly.hbs', '<p>This week</p>');
    host.lend({ ShopProfiles });
    const { ShopModule } = await host.run(orders);
    const app = await host.mount([ShopModule]);
    const order = { orderId: '4711', number: 1, customerId: 'c-17' };
    await app.get(EventEmitter2, { strict: false }).emitAsync('order.paid', order);
    await app.get(EventEmitter2, { strict: false }).emitAsync('order.paid', order);
    expect(await host.received(1)).toEqual({ 'c-17@home.example': '<p>No. 1</p>' });
    await host.completed();
    expect(rig.inbox.messages).toHaveLength(1);
    expect(await printedBy(() => host.run(sum))).toEqual(['[object Object] 1']);
  });

  it('docs/testing.md: a mock of the sender, the whole flow in memory, a kill, and an application', async () => {
    const [mock, flow, kill, own, ...others] = await blocksOf('docs/testing.md', 'ts');
    expect(others).toEqual([]);
    await host.template('news.hbs', '<p>Dear {{name}}: {{discount}} %</p>\n');
    await host.run(mock);
    await host.run(flow);
    await host.run(kill);
    const dir = join(host.folder, 'templates');
    host.lend({ AppModule: inProduction(dir) });
    await host.run(own);
  });

  it('docs/recipients.md: suppression, a list from a query, groups and targeters', async () => {
    const [complaints, options, list, toRecipient, groups] = await blocksOf('docs/recipients.md', 'ts');
    await host.template('letter.hbs', '<p>{{name}}</p>');
    const rows = ['ann', 'bob', 'cy', 'dee'].map((id) => ({
      id,
      email: `${id}@home.example`,
      name: id,
      country: id === 'dee' ? 'de' : 'fr',
    }));
    const customers = await host.table(Customer, rows);
    host.lend({ customers, Customer, info: INFO, dir: join(host.folder, 'templates') });
    const { Complaints } = await host.run(complaints);
    await host.run(options);
    const { CustomerGroups } = await host.run(groups);
    const mailing = { templates: { dir: join(host.folder, 'templates') }, profileRepository: ShopProfiles };
    const app = await host.mount(
      [MailingModule.forRoot(mailing), TypeOrmModule.forFeature([Customer])],
      [Complaints, CustomerGroups],
    );
    await app
      .get<{ onComplaint(address: string): Promise<void> }>(Complaints)
      .onComplaint('BOB@home.example');
    await host.run(list);
    expect(Object.keys(await host.received(2)).sort()).toEqual(['ann@home.example', 'cy@home.example']);
    expect(await host.reasons(await host.completed())).toContainEqual({
      status: 'skipped',
      code: 'suppressed',
      count: 1,
    });

    const { vips } = (await host.run(`${toRecipient}\nexport { vips };`)) as unknown as {
      vips: AsyncIterable<object>;
    };
    expect((await all(vips))[3]).toMatchObject({
      email: 'dee@home.example',
      data: { vip: true },
    });
    type Rule = (one: object) => Promise<boolean>;
    const inGroups = app.get<{ targetsIn(countries: string[], rule: Rule): Recipients }>(CustomerGroups);
    const chosen = inGroups.targetsIn(['de', 'fr'], async (one) => 'userId' in one && one.userId !== 'cy');
    expect(await all(chosen)).toEqual(['dee', 'ann', 'bob'].map((userId) => ({ userId })));
  });

  describe.skipIf(!hasLdap)('docs/ldap.md', () => {
    const directory = directories();

    it('people of a directory, from a search, with a table beside it', async () => {
      const [people, search, both] = await blocksOf('docs/ldap.md', 'ts');
      const entries = ['Ann', 'Bob'].map((cn) =>
        person(`cn=${cn},${PEOPLE}`, cn, `${cn.toLowerCase()}@home.example`, {
          displayName: `${cn} Lee`,
          givenName: cn,
          l: cn === 'Ann' ? 'Graz' : 'Linz',
        }),
      );
      const { url } = await directory(entries);
      /** The same directory, by the names that it has here. */
      const here = (code: string): string =>
        code
          .replaceAll(`'ldaps://ldap.shop.example'`, `'${url}'`)
          .replaceAll('cn=mailer,o=shop', READER.bindDn)
          .replaceAll('ou=People,o=shop', PEOPLE)
          .replace(`base: '${PEOPLE}' }),`, `base: '${PEOPLE}', ...login }),`);
      await host.template('graz.hbs', '<p>{{name}} {{firstName}} {{city}}</p>');
      process.env.LDAP_PASSWORD = READER.bindPassword;
      const { AppModule } = await host.run(here(people));
      await host.mount([AppModule]);
      await host.run(here(search));
      expect(await host.received(1)).toEqual({ 'ann@home.example': '<p>Ann Lee Ann Graz</p>' });
      await host.completed();
      await host.close();

      await host.table(
        Customer,
        entries.map(({ dn }) => ({ id: dn, wantsMail: dn.startsWith('cn=Bob') })),
      );
      host.lend({ Customer, login: READER });
      const { ShopModule } = await host.run(here(both));
      await host.mount([ShopModule]);
      const sender = host.app.get(TemplateEmailSender, { strict: false });
      const list = entries.map(({ dn }) => ({ userId: dn as string }));
      await sender.sendEmailMessage({ ...INFO, templateUrl: 'graz.hbs' }, list, {
        runInSeparateThread: false,
      });
      expect(rig.inbox.messages.at(-1)?.to).toEqual(['bob@home.example']);
      expect(rig.inbox.messages).toHaveLength(2);
    });
  });
});

/** An application whose servers do not answer here. */
function inProduction(dir: string): Type {
  @Module({
    imports: [
      TypeOrmModule.forRoot({
        type: 'mysql',
        url: 'mysql://database.example:1/shop',
        autoLoadEntities: true,
      }),
      MailerModule.forRoot({ transport: { host: 'mail.example', port: 1 } }),
      MailingModule.forRoot({ templates: { dir } }),
    ],
  })
  class AppModule {}
  return AppModule;
}

/** Lines that were written to the console meanwhile. */
async function printedBy(work: () => Promise<unknown>): Promise<string[]> {
  const lines: string[] = [];
  const { log } = console;
  console.log = (...words: unknown[]) => void lines.push(words.map(String).join(' '));
  try {
    await work();
  } finally {
    console.log = log;
  }
  return lines;
}

async function all<T>(items: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of items) found.push(one);
  return found;
}
