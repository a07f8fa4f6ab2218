import type { HostCell, Installation } from './host-cells.js';

const NEST = {
  11: { common: '11.2.10', testing: '11.2.6', typeorm: '11.0.3' },
  12: { common: '12.5.1', testing: '12.1.1', typeorm: '12.0.2' },
};

const RUNNERS: Record<Installation['runner'], Record<string, string>> = {
  'jest 29': { jest: '29.7.0', 'ts-jest': '29.4.15', '@types/jest': '29.5.14' },
  'jest 30': { jest: '30.5.2', 'ts-jest': '29.4.15', '@types/jest': '30.0.0' },
  vitest: { vitest: '4.1.12' },
};

/** Files that `nest new` and the README make, by their paths. */
export function filesOf(cell: HostCell): Record<string, string> {
  const isEsm = isEsModule(cell);
  const places = {
    FOLDER: isEsm ? 'import.meta.dirname' : '__dirname',
    // Before 0.3.28, TypeORM calls the class of the driver without `new`.
    DRIVER:
      cell.typeorm === '0.3.20' ? '(path: string, options: object) => new libsql(path, options)' : 'libsql',
  };
  const filled = (text: string): string =>
    text.replaceAll(/FOLDER|DRIVER/g, (place) => places[place as 'FOLDER']);
  return {
    'package.json': json({
      name: 'shop',
      private: true,
      type: isEsm ? 'module' : 'commonjs',
      ...(cell.runner === 'vitest' ? {} : { jest: JEST }),
    }),
    'tsconfig.json': json({ compilerOptions: compilerOptions(cell), include: ['src'] }),
    'vitest.config.mjs': "export default { test: { globals: true, include: ['src/**/*.spec.ts'] } };\n",
    'templates/hello.hbs':
      '<p>Dear {{#if name}}{{name}}{{else}}reader{{/if}}, {{discount}} % off for you.</p>\n',
    'src/main.ts': filled(MAIN),
    'src/newsletters.spec.ts': filled(SPEC),
  };
}

/** What `npm install` is told besides the plugin. */
export function packagesOf({ nest, typescript, runner, typeorm, layout }: Installation): string[] {
  const { common, testing, typeorm: nestTypeorm } = NEST[nest];
  return Object.entries({
    '@nestjs-modules/mailer': '2.3.7',
    '@nestjs/common': common,
    '@nestjs/core': common,
    '@nestjs/testing': testing,
    '@nestjs/typeorm': nestTypeorm,
    '@types/node': '20.19.43',
    libsql: '0.5.29',
    nodemailer: '10.6.1',
    'reflect-metadata': '0.2.2',
    rxjs: '7.8.2',
    typeorm,
    typescript,
    ...RUNNERS[runner],
    // The mailer needs it and does not declare it.
    ...(layout === 'linked' ? { lodash: '4.18.1' } : {}),
  }).map(([name, version]) => `${name}@${version}`);
}

export function isEsModule({ nest, module }: HostCell): boolean {
  return nest === 12 || module === 'bundler';
}

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

const JEST = {
  moduleFileExtensions: ['js', 'json', 'ts'],
  rootDir: 'src',
  testRegex: String.raw`.*\.spec\.ts$`,
  transform: { [String.raw`^.+\.(t|j)s$`]: 'ts-jest' },
  testEnvironment: 'node',
};

function compilerOptions({ module, runner }: HostCell): object {
  return {
    ...(module === 'bundler' ? { module: 'esnext', moduleResolution: 'bundler' } : { module }),
    target: 'ES2023',
    strict: true,
    skipLibCheck: true,
    esModuleInterop: true,
    isolatedModules: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    rootDir: 'src',
    outDir: 'dist',
    types: ['node', runner === 'vitest' ? 'vitest/globals' : 'jest'],
  };
}

const MAIN = `import 'reflect-metadata';
import { join } from 'node:path';
import { MailerModule } from '@nestjs-modules/mailer';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import libsql from 'libsql';
import { MailingModule, mailingMigrations, MailingQuery, TemplateEmailSender } from 'nestjs-mailing';
import type { MailingBullMqModule } from 'nestjs-mailing/bullmq';
import type { MailingLdapModule } from 'nestjs-mailing/ldap';
import type { MailingScenariosModule } from 'nestjs-mailing/scenarios';
import type { MailingTestingModule } from 'nestjs-mailing/testing';
import { MailingUnsubscribeModule } from 'nestjs-mailing/unsubscribe';

/** Their types are found; the packages that they need are not installed. */
export type Others = [MailingBullMqModule, MailingLdapModule, MailingScenariosModule, MailingTestingModule];

@Injectable()
class Newsletters {
  constructor(
    private readonly sender: TemplateEmailSender,
    private readonly query: MailingQuery,
  ) {}

  async send(): Promise<unknown> {
    const { mailingId, completed } = await this.sender.sendEmailMessage(
      {
        templateUrl: 'hello.hbs',
        subject: 'Hello {{name}}',
        from: 'The Corner Shop <news@shop.example>',
        params: { discount: 10 },
      },
      [{ email: 'ann@home.example', name: 'Ann' }, 'bob@home.example'],
      { persist: true },
    );
    await completed;
    const mailing = await this.query.get(mailingId as string);
    return { status: mailing?.status, numSent: mailing?.numSent };
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'better-sqlite3',
      driver: DRIVER,
      database: process.env.DATABASE_FILE as string,
      prepareDatabase: (connection: libsql.Database) => {
        connection.pragma('journal_mode = WAL');
        connection.pragma('synchronous = FULL');
      },
      autoLoadEntities: true,
      migrations: mailingMigrations,
      migrationsRun: true,
    }),
    MailerModule.forRoot({ transport: { url: process.env.SMTP_URL, pool: true } }),
    MailingModule.forRootAsync({
      useFactory: () => ({ templates: { dir: join(FOLDER, '../templates') }, uniqServerId: 'shop.example:1' }),
    }),
  ],
  providers: [Newsletters],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule);
  app.enableShutdownHooks();
  console.log(JSON.stringify({ ...(await app.get(Newsletters).send() as object), unsubscribe: typeof MailingUnsubscribeModule }));
  await app.close();
}

void main();
`;

const SPEC = `import { join } from 'node:path';
import { Test, type TestingModule } from '@nestjs/testing';
import { MailingQuery, TemplateEmailSender } from 'nestjs-mailing';
import { MailingTesting, MailingTestingModule } from 'nestjs-mailing/testing';

const INFO = {
  templateUrl: 'hello.hbs',
  subject: 'Hello {{name}}',
  from: 'news@shop.example',
  params: { discount: 10 },
};

describe('a newsletter', () => {
  const mailing = new MailingTesting();
  let app: TestingModule;

  const start = async (): Promise<TestingModule> => {
    const templates = { dir: join(FOLDER, '../templates') };
    const imports = [MailingTestingModule.forRoot({ testing: mailing, templates })];
    return (await Test.createTestingModule({ imports }).compile()).init();
  };

  it('is asked for', async () => {
    const asked: unknown[] = [];
    const sender = { sendEmailMessage: async (info: unknown) => void asked.push(info) };
    const app = await Test.createTestingModule({
      providers: [{ provide: TemplateEmailSender, useValue: sender }],
    }).compile();
    await app.get(TemplateEmailSender).sendEmailMessage(INFO, ['ann@home.example']);
    expect(asked).toEqual([INFO]);
  });

  it('is sent, also to a recipient that the mail server refused for now', async () => {
    app = await start();
    mailing.failNext('temporary');
    const recipients = [{ email: 'ann@home.example', name: 'Ann' }, 'bob@home.example'];
    await app.get(TemplateEmailSender).sendEmailMessage(INFO, recipients, { persist: true });
    await mailing.flush();
    expect(mailing.sentMessages().map(({ to }) => to)).toEqual(['bob@home.example']);
    mailing.clock.advance(60 * 60_000);
    await mailing.flush();
    expect(mailing.sentMessages().at(-1)).toMatchObject({ subject: 'Hello Ann', to: 'ann@home.example' });
    await app.close();
  });

  it('goes on after a kill', async () => {
    app = await start();
    mailing.killAfter(1);
    const sender = app.get(TemplateEmailSender);
    const { mailingId } = await sender.sendEmailMessage(INFO, ['cy@home.example', 'dee@home.example'], { persist: true });
    await mailing.flush();
    await app.close();
    app = await start();
    await mailing.flush();
    expect(mailing.sentMessages().map(({ to }) => to).slice(2)).toEqual(['cy@home.example', 'dee@home.example']);
    expect((await app.get(MailingQuery).get(mailingId as string))?.status).toBe('completed');
    await app.close();
  });
});
`;
