import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';

/** What every example may take for granted: the imports a host has anyway, and things of its own. */
const PRELUDE = `
import { join } from 'node:path';
import { MailerModule } from '@nestjs-modules/mailer';
import { Injectable, Module } from '@nestjs/common';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { Column, Entity, In, PrimaryGeneratedColumn, type Repository } from 'typeorm';
import { MailingEvents, MailingHealth, MailingModule, MailingProfiles, MailingQuery, MailingSuppressions, type ProfileRepository, type RecipientProfile, type TemplateEmailInfo, TemplateEmailBatchPersister, TemplateEmailBatchServerPersister, TemplateEmailPeriodicService, TemplateEmailRehearsal, TemplateEmailSender, mailingEntities, mailingMigrations, TypeOrmProfileRepository, recipientsFromQuery, UnsubscribeTokens, type SuppressionList, SlotFilling, SlotService, MailerAdapterRenderer, type MailingTemplate, type TemplateRenderer } from 'nestjs-mailing';
import { MjmlAdapter } from '@nestjs-modules/mailer/adapters/mjml.adapter';
import { PugAdapter } from '@nestjs-modules/mailer/adapters/pug.adapter';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { Cron, ScheduleModule } from '@nestjs/schedule';
import { MailingScenariosModule, Scenario, ScenarioEvents, SendEmail } from 'nestjs-mailing/scenarios';
import { BullMqDispatcher, MailingBullMqModule } from 'nestjs-mailing/bullmq';
import { CompositeProfileRepository, LdapProfileRepository, MailingLdapModule, recipientsFromLdap } from 'nestjs-mailing/ldap';
import { MailingUnsubscribeModule, type Unsubscriber } from 'nestjs-mailing/unsubscribe';
declare const url: string;
declare const mailingId: string;
declare const sender: TemplateEmailSender;
declare const query: MailingQuery;
declare const rehearsal: TemplateEmailRehearsal;
declare class ShopProfiles implements ProfileRepository {
  findByIds(ids: string[]): Promise<Map<string, RecipientProfile>>;
  setReceiveEmail(ids: string[], receive: boolean): Promise<void>;
}
declare class ShopSuppressions implements SuppressionList {
  findSuppressed(addresses: string[]): Promise<Set<string>>;
  suppress(address: string, reason: string): Promise<void>;
  release(address: string): Promise<void>;
}
declare const newSecret: string;
declare const oldSecret: string;
declare const unsubscriber: Unsubscriber;
declare const token: string;
declare const slots: SlotService;
declare const metrics: { count(name: string, facts: object): void };
declare class Customer { id: string; email: string; name: string; wantsMail: boolean }
`;

/** Pages whose examples are whole; those of the others leave out what they have said before. */
const PAGES = [
  'docs/attachments.md',
  'docs/content.md',
  'docs/ldap.md',
  'docs/profiles.md',
  'docs/slots-and-scenarios.md',
  'docs/unsubscribe.md',
];

interface Example {
  file: string;
  code: string;
}

async function examples(): Promise<Example[]> {
  const root = 'libs';
  const files = (await readdir(root, { recursive: true })).filter((file) => file.endsWith('.ts'));
  const found: Example[] = [];
  for (const file of files) {
    const source = await readFile(join(root, file), 'utf8');
    for (const [, block] of source.matchAll(/@example\s*\n\s*\* ```ts\n([\s\S]*?)\* ```/g)) {
      found.push({ file, code: block.replace(/^ *\* ?/gm, '') });
    }
  }
  for (const file of PAGES) {
    const page = await readFile(file, 'utf8');
    for (const [, code] of page.matchAll(/^```ts\n([\s\S]*?)^```/gm)) found.push({ file, code });
  }
  return found;
}

/** Names the prelude already has are not declared twice: an example is a module or the inside of a class. */
function toModule({ code }: Example): string {
  const inside = code.trimStart().startsWith('constructor(') ? `class Host {\n${code}\n}` : code;
  const own = inside.replace(/const \{ mailingId \} =/, 'const { mailingId: written } =');
  return `${PRELUDE}\n${own}\nexport {};\n`;
}

it('every @example compiles, and every block of the pages', async () => {
  const all = await examples();
  expect(all.length).toBeGreaterThanOrEqual(6);
  const folder = join('test/package', `.examples-${process.pid}`);
  await mkdir(folder, { recursive: true });
  try {
    const files = all.map((_, n) => join(folder, `example-${n}.ts`));
    await Promise.all(all.map((example, n) => writeFile(files[n], toModule(example))));
    const { config } = ts.readConfigFile('tsconfig.json', (path) => ts.sys.readFile(path)) as {
      config: object;
    };
    const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files }, ts.sys, '.');
    const program = ts.createProgram(files, {
      ...options,
      noEmit: true,
      incremental: false,
      tsBuildInfoFile: undefined,
    });
    const complaints = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
      const n = files.findIndex((one) => file?.fileName.endsWith(one));
      return `${all[n]?.file ?? file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
    expect(complaints).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
