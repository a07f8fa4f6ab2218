import { MailerModule, type MailerOptions } from '@nestjs-modules/mailer';
import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  MailingModule,
  type MailingModuleExtras,
  type MailingModuleOptions,
} from '../../mailing/src/index.js';
import { MailingTestingArgumentError } from './mailing-testing.errors.js';
import { MailingTesting } from './mailing-testing.js';
import { surroundingsOf } from './surroundings.js';

/** Options of `MailingModule`, and the surroundings. */
export type MailingTestingOptions = Omit<MailingModuleOptions, 'bulkSmtp' | 'transporterName'> &
  MailingModuleExtras & {
    /** The surroundings, where several applications share them. Default: new ones. */
    testing?: MailingTesting;
  };

/** A kill leaves at most one recipient in doubt, and messages are in the order of the list. */
const ONE_AT_A_TIME = { concurrency: 1, maxInDoubt: 1 };

/**
 * `MailingModule` for tests of a host, with all that it needs: a database and a mail server in memory. Inject `MailingTesting` for what the mail server
 * got, failures, the clock and a kill.
 *
 * @example
 * ```ts
 * const app = await Test.createTestingModule({
 *   imports: [MailingTestingModule.forRoot({ templates: { dir: join(import.meta.dirname, 'templates') } })],
 * }).compile();
 * await app.init();
 * await app.get(TemplateEmailSender).sendEmailMessage(info, ['ann@home.example']);
 * const mailing = app.get(MailingTesting);
 * await mailing.flush();
 * console.log(mailing.sentMessages()[0].html);
 * await app.close();
 * ```
 */
@Module({})
export class MailingTestingModule {
  /**
   * Takes the place of `TypeOrmModule.forRoot`, `MailerModule.forRoot` and `MailingModule.forRoot` in a test. It is global by default. Entities of
   * `TypeOrmModule.forFeature` get tables. Defaults that differ from those of `MailingModule`: one message at a time (`run.concurrency` and
   * `run.maxInDoubt` are 1), `enabledAsTemplateMailServer` is true, so batched mailings are sent, too, there is no journal, and `uniqServerId` is `test`.
   *
   * @throws MailingTestingArgumentError if `testing` is no `MailingTesting`. When the module is compiled: MailingOptionsError if another option is
   * wrong, MailingTestingDriverError if no driver for SQLite is installed, MailingTestingRunningError if another application runs on the same
   * surroundings.
   */
  static forRoot(options: MailingTestingOptions): DynamicModule {
    const { testing = new MailingTesting(), isGlobal = true, dataSource: name, ...mailing } = options ?? {};
    if (!(testing instanceof MailingTesting))
      throw new MailingTestingArgumentError('testing', 'a MailingTesting', testing);
    const surroundings = surroundingsOf(testing);
    const inner = [
      TypeOrmModule.forRootAsync({
        name,
        useFactory: () => ({ autoLoadEntities: true, retryAttempts: 0 }),
        dataSourceFactory: (given) => surroundings.connect({ name, entities: given?.entities }),
      }),
      // Made for each application: the one of an application that was killed leads nowhere.
      MailerModule.forRootAsync({
        imports: [],
        useFactory: () => ({ transport: surroundings.mailbox.transport() }) as MailerOptions,
      }),
      MailingModule.forRoot({
        uniqServerId: 'test',
        journal: false,
        enabledAsTemplateMailServer: true,
        ...(mailing as MailingModuleOptions),
        // The default of `maxInDoubt` depends on a `concurrency` that is given.
        run: mailing.run?.concurrency ? mailing.run : { ...ONE_AT_A_TIME, ...mailing.run },
        isGlobal,
        dataSource: name,
      }),
    ];
    return {
      module: MailingTestingModule,
      global: isGlobal,
      imports: inner,
      providers: [{ provide: MailingTesting, useValue: testing }],
      exports: [MailingTesting, ...inner.slice(2)],
    };
  }
}
