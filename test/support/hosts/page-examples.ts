import { readFile } from 'node:fs/promises';

/** Imports that every example may use without writing them. */
const IMPORTS = `
import 'reflect-metadata';
import { hostname } from 'node:os';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MailerModule } from '@nestjs-modules/mailer';
import { Controller, type DynamicModule, Get, type INestApplicationContext, Injectable, Module, ServiceUnavailableException, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { Column, Entity, In, PrimaryGeneratedColumn, type Repository, DataSource } from 'typeorm';
import { type HostTransaction, type MailingPersister, setTestSeam, askHost, AsyncContext, kindOf, numberOrKindOf, publicReasonOf, toPublicText, beginReading, isIterable, calledOnce, noteCall, TemplateEmailRestarter, HOST_CALL_TIMEOUT_MS, MailingEvents, MailingHealth, type MailingHealthReport, MailingModule, MailingProfiles, MailingQuery, MailingSuppressions, ModuleContext, type ParameterProcessor, ParameterSourceDownError, type ProcessedParameters, type ProfileRepository, type Recipient, type RecipientParameters, type RecipientProfile, type Recipients, type TemplateEmailInfo, TemplateEmailBatchPersister, TemplateEmailBatchServerPersister, TemplateEmailPersister, TypeOrmSuppressionList, TemplateEmailPeriodicService, TemplateEmailPreview, TemplateEmailSender, mailingEntities, mailingMigrations, TypeOrmProfileRepository, recipientsFromQuery, UnsubscribeTokens, type SuppressionList, SlotFilling, SlotService, SourceWatch, MailerAdapterRenderer, type MailingTemplate, takeFromHost, targeted, reasonOf, tellHost, toOneLine, type TemplateRenderer, TypedEvents, ApiMessageSender, ApiSendError, type EmailMessage, type EmailMessageSender, type EnvelopeRecipient, type HeaderRecipient, AttachmentSourceDownError, type RecipientAttachmentsOf, type HandOver } from 'nestjs-mailing';
import { MjmlAdapter } from '@nestjs-modules/mailer/adapters/mjml.adapter';
import { PugAdapter } from '@nestjs-modules/mailer/adapters/pug.adapter';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { Cron, ScheduleModule } from '@nestjs/schedule';
import { dayIn, hourIn, MailingScenariosModule, Scenario, ScenarioEvents, SendEmail } from 'nestjs-mailing/scenarios';
import { BullMqDispatcher, MailingBullMqModule } from 'nestjs-mailing/bullmq';
import { CompositeProfileRepository, LdapProfileRepository, MailingLdapModule, recipientsFromLdap } from 'nestjs-mailing/ldap';
import { emailMessageSenderChecks, type MessageSenderRig, MailingTesting, MailingTestingModule } from 'nestjs-mailing/testing';
import { MailingUnsubscribeModule, type Unsubscriber } from 'nestjs-mailing/unsubscribe';
`;

/** Declarations of the host; those that an example has itself are left out. */
const DECLARATIONS = [
  'declare const url: string;',
  'declare const app: INestApplicationContext;',
  'declare const dir: string;',
  'declare const port: number;',
  'declare const runInSeparateThread: boolean;',
  'declare const persist: boolean;',
  'declare const mailingId: string;',
  'declare const info: TemplateEmailInfo;',
  'declare const recipients: Recipients;',
  'declare const sender: TemplateEmailSender;',
  'declare const query: MailingQuery;',
  'declare const restarter: TemplateEmailRestarter;',
  'declare const previews: TemplateEmailPreview;',
  'declare const newSecret: string;',
  'declare const oldSecret: string;',
  'declare const unsubscriber: Unsubscriber;',
  'declare const token: string;',
  'declare const slots: SlotService;',
  'declare const metrics: { count(name: string, facts: object): void };',
  'declare const customers: Repository<Customer>;',
  'declare class Customer { id: string; email: string; name: string; country: string; wantsMail: boolean }',
  `declare class HealthIndicatorResult {}`,
  `declare class HealthIndicatorService {
    check(key: string): { up(facts: object): HealthIndicatorResult; down(facts: object): HealthIndicatorResult };
  }`,
  `declare class ShopProfiles implements ProfileRepository {
    findByIds(ids: string[]): Promise<Map<string, RecipientProfile>>;
    setReceiveEmail(ids: string[], receive: boolean): Promise<void>;
  }`,
  `declare class ShopSuppressions implements SuppressionList {
    findSuppressed(addresses: string[]): Promise<Set<string>>;
    suppress(address: string, reason: string): Promise<void>;
    release(address: string): Promise<void>;
  }`,
];

/** The code blocks of this language in a page, in order. */
export async function blocksOf(page: string, language: 'ts' | 'hbs' | 'html'): Promise<string[]> {
  const text = await readFile(page, 'utf8');
  const fences = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm');
  return [...text.matchAll(fences)].map(([, code]) => code);
}

/** An example is a module, with or without imports, or the body of a class. */
export function toModule(code: string): string {
  if (/^import /m.test(code)) return `${code}\nexport {};\n`;
  const inside = code.trimStart().startsWith('constructor(') ? `class Host {\n${code}\n}` : code;
  const given = DECLARATIONS.filter((declaration) => !declares(inside, declaration));
  return `${IMPORTS}\n${given.join('\n')}\n${inside}\nexport {};\n`;
}

function declares(code: string, declaration: string): boolean {
  const [, name] = /(?:const|class) (\w+)/.exec(declaration) as RegExpExecArray;
  return new RegExp(`(?:const|class) ${name}\\b|const \\{[^}]*\\b${name}\\b(?!:)[^}]*\\}`).test(code);
}
