import { MailerModule, type MailerOptions, MailerService } from '@nestjs-modules/mailer';
import { Inject, Injectable, Module, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import libsql from 'libsql';
import {
  mailingEntities,
  mailingMigrations,
  MailingModule,
  type MailingModuleOptions,
  TemplateEmailSender,
} from 'nestjs-mailing';
import { Column, DataSource, Entity, PrimaryGeneratedColumn, Repository } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { INFO, NewsHost, people } from './news.host.js';

@Entity('shop_reader')
class Reader {
  @PrimaryGeneratedColumn() id: number;
  @Column({ type: 'varchar' }) email: string;
}

/** Another application of the same process has it. */
@Entity('shop_elsewhere')
class Elsewhere {
  @PrimaryGeneratedColumn() id: number;
  // SQLite does not know it.
  @Column({ type: 'tsvector' as never }) words: string;
}
void Elsewhere;

@Injectable()
class Newsletters {
  constructor(
    @Inject(TemplateEmailSender) private readonly sender: TemplateEmailSender,
    @InjectRepository(Reader) private readonly readers: Repository<Reader>,
  ) {}

  async announce(): Promise<void> {
    const readers = await this.readers.find({ order: { id: 'ASC' } });
    await this.sender.sendEmailMessage(
      INFO,
      readers.map(({ email }) => email),
      {},
    );
  }

  subscribe(emails: string[]): Promise<unknown> {
    return this.readers.save(emails.map((email) => ({ email })));
  }
}

@Module({ imports: [TypeOrmModule.forFeature([Reader])], providers: [Newsletters] })
class NewslettersModule {}

/** As in production: nothing of it answers here. */
function application(dir: string, mailing: Partial<MailingModuleOptions> = {}): Type {
  @Module({
    imports: [
      TypeOrmModule.forRoot({
        type: 'mysql',
        url: 'mysql://root@database.example:1/shop',
        autoLoadEntities: true,
        migrationsRun: true,
      }),
      MailerModule.forRootAsync({
        imports: [],
        useFactory: () =>
          ({
            transport: { host: 'mail.example', port: 1, pool: true },
            transports: { bulk: { host: 'bulk.example', port: 1 } },
            defaults: { from: 'shop@shop.example' },
            verifyTransporters: true,
          }) as MailerOptions,
      }),
      MailingModule.forRoot({ templates: { dir }, isGlobal: true, ...mailing }),
      NewslettersModule,
    ],
  })
  class AppModule {}
  return AppModule;
}

describe('an application of its own', () => {
  const host = NewsHost.forEachTest();

  it('a feature module beside MailingTestingModule has the tables of its entities', async () => {
    await host.start({}, [NewslettersModule]);
    await host.app.get(Newsletters, { strict: false }).subscribe(people(2));
    await host.app.get(Newsletters, { strict: false }).announce();
    await host.mailing.flush();
    expect(host.reached).toEqual(people(2));
  });

  it('the tables of the plugin are those of its migrations', async () => {
    const schemaOf = (dataSource: DataSource): Promise<unknown[]> =>
      dataSource.query(`SELECT name, sql FROM sqlite_master WHERE name LIKE '%dps_%' ORDER BY name`);
    const plain = new DataSource({
      type: 'better-sqlite3',
      driver: libsql,
      database: ':memory:',
      entities: mailingEntities,
      migrations: mailingMigrations,
    });
    await plain.initialize();
    await plain.runMigrations();
    const made = await schemaOf(plain);
    await plain.destroy();
    await host.start({}, [NewslettersModule]);
    expect(await schemaOf(host.app.get(DataSource, { strict: false }))).toEqual(made);
  });

  const override = (mailing: Partial<MailingModuleOptions>) => {
    const AppModule = application(host.folder, mailing);
    return host.boot(host.mailing.override(Test.createTestingModule({ imports: [AppModule] })).compile());
  };

  it.each<[string, Partial<MailingModuleOptions>]>([
    ['through the mailer', {}],
    ['by SMTP of the plugin', { bulkSmtp: true }],
    ['over another transport', { transporterName: 'bulk' }],
  ])('an AppModule with its own modules runs in memory: %s', async (_, mailing) => {
    await override(mailing);
    const newsletters = host.app.get(Newsletters, { strict: false });
    await newsletters.subscribe(people(3));
    await newsletters.announce();
    await host.mailing.flush();
    expect([...host.reached].sort()).toEqual(people(3));
  });

  it('and what it sends through the mailer itself is there, too', async () => {
    await override({});
    const mailer = host.app.get(MailerService, { strict: false });
    await mailer.sendMail({ to: 'ann@home.example', subject: 'Your order', text: 'Thank you' });
    await mailer.sendMail({ to: 'bob@home.example', text: 'Hello', transporterName: 'bulk' });
    expect(host.mailing.sentMessages()).toMatchObject([
      { to: 'ann@home.example', from: 'shop@shop.example', subject: 'Your order', text: 'Thank you' },
      { to: 'bob@home.example', html: null, text: 'Hello' },
    ]);
  });

  it('goes on after a kill', async () => {
    await override({});
    await host.app.get(Newsletters, { strict: false }).subscribe(people(20));
    host.mailing.killAfter(4);
    await host.app.get(Newsletters, { strict: false }).announce();
    await host.mailing.flush();
    await host.app.close();
    await override({});
    await host.mailing.flush();
    // Whatever was in flight at the kill is in doubt, and gets no second copy.
    const [{ numSent, numErrors, status }] = await host.query.list();
    expect(status).toBe('completed');
    expect(numSent + numErrors).toBe(20);
    expect(new Set(host.reached).size).toBe(host.reached.length);
    expect(host.reached.length).toBeGreaterThanOrEqual(numSent);
    expect(numErrors).toBeGreaterThan(0);
  });
});
