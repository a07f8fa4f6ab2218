import { hostname } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Type } from '@nestjs/common';
import type { AddressNormalizer } from '../addresses/address-key.js';
import { HOST_CALL_TIMEOUT_MS } from '../host-calls/host-call.js';
import { SOURCE_TIMEOUT_MS } from '../host-calls/source-watch.js';
import { isPlainObject } from '../values/value-kind.js';
import type { Dispatcher } from '../ports/dispatcher.js';
import type { ParameterProcessor } from '../ports/parameter.processor.js';
import type { EmailMessageSender } from '../ports/email-message.sender.js';
import type { MailingPersister } from '../ports/mailing.persister.js';
import type { ProfileRepository } from '../ports/profile.repository.js';
import type { SuppressionList } from '../ports/suppression-list.js';
import type { TemplateRenderer } from '../ports/template.renderer.js';
import type {
  AttachmentOptions,
  AttachmentStorageOption,
  TemplateHelper,
  TemplateOptions,
  TextConverter,
} from './content-options.js';
import type { TextOptions } from '../mail/text-options.js';
import type { EnvelopeFrom, MessageHeadersOf, RecipientAttachmentsOf } from './host-made.options.js';
import type { InDoubtPolicy } from './in-doubt-policy.js';
import type { MailingModuleOptions } from './mailing-options.js';
import type { AddressOptions, ProfileOptions } from './recipient-options.js';
import type { BatchOptions, JournalOptions, ServerOptions } from './server-options.js';
import type { ErrorGuardOptions, RetryOptions, RunOptions } from './run-options.js';
import { group, type OptionSchema, optionalGroup, readOptions, requiredGroup } from './option-group.js';
import {
  aClass,
  boundedText,
  custom,
  flag,
  folder,
  sign,
  text,
  whole,
  wholeOrNull,
  word,
  type OptionKind,
} from './option-kinds.js';
import type { OptionPlace } from './option-place.js';
import { toUnsubscribeSettings, UNSUBSCRIBE } from './unsubscribe.settings.js';

// The one declaration of each option: type, bounds, default, and dependence on other options. The JSDoc of its interface says what the
// option is for. docs/options.md is generated from both; a test compares all three.

const MAX_NAME = 255;

const RUN = {
  concurrency: whole({ default: 5, min: 1, max: 1_000 }),
  maxInDoubt: whole({
    default: { words: '2 × `concurrency`', of: (run: { concurrency: number }) => 2 * run.concurrency },
    min: { words: 'run.concurrency', of: (run) => run.concurrency },
    max: 100_000,
  }),
  messageTimeoutMs: whole({ default: 60_000, min: 10, max: 3_600_000 }),
  maxConcurrentMailings: whole({ default: 4, min: 1, max: 1_000 }),
  ratePerSecond: wholeOrNull({ min: 1, max: 10_000, nullIs: 'null' }),
  transportOutageTimeoutMs: whole({ default: 900_000, min: 0, max: 86_400_000 }),
  databaseRetryTimeoutMs: whole({ default: 60_000, min: 0, max: 3_600_000 }),
  hostCallTimeoutMs: whole({ default: HOST_CALL_TIMEOUT_MS, min: 10, max: 600_000 }),
  sourceTimeoutMs: whole({ default: SOURCE_TIMEOUT_MS, min: 10, max: 86_400_000 }),
} satisfies OptionSchema<RunOptions>;

const RETRY = {
  maxAttempts: whole({ default: 5, min: 1, max: 100 }),
  maxDelayMs: whole({ default: 7_200_000, min: 1, max: 604_800_000 }),
  initialDelayMs: whole({
    default: {
      words: '300,000, at most `maxDelayMs`',
      of: (retry: { maxDelayMs: number }) => Math.min(300_000, retry.maxDelayMs),
    },
    min: 1,
    max: { words: 'retry.maxDelayMs', of: (retry) => retry.maxDelayMs },
  }),
} satisfies OptionSchema<RetryOptions>;

const ERROR_GUARD = {
  sampleSize: whole({ default: 50, min: 0, max: 100_000 }),
  maxErrorPercent: whole({ default: 80, min: 1, max: 99 }),
} satisfies OptionSchema<ErrorGuardOptions>;

const SERVER = {
  heartbeatIntervalMs: whole({ default: 5_000, min: 20, max: 600_000 }),
  leaseMs: whole({
    default: {
      words: '20,000, at least 3 × `heartbeatIntervalMs`',
      of: (server: { heartbeatIntervalMs: number }) => Math.max(20_000, 3 * server.heartbeatIntervalMs),
    },
    min: { words: '3 × server.heartbeatIntervalMs', of: (server) => 3 * server.heartbeatIntervalMs },
    max: 86_400_000,
  }),
  shutdownTimeoutMs: whole({ default: 10_000, min: 0, max: 600_000 }),
  idleTransactionTimeoutMs: whole({ default: 60_000, min: 0, max: 3_600_000 }),
  databaseLagTimeoutMs: whole({ default: 5_000, min: 0, max: 600_000 }),
  commitMemoryMs: whole({ default: 60_000, min: 0, max: 3_600_000 }),
} satisfies OptionSchema<ServerOptions>;

const BATCH = {
  emailsPerBatch: whole({ default: 100, min: 1, max: 1_000_000 }),
  numBatchThreads: whole({ default: 4, min: 1, max: 1_000 }),
  batchIfPossible: flag(false),
  pollIntervalMs: whole({ default: 1_000, min: 20, max: 600_000 }),
  dispatcher: aClass<Dispatcher>('servers look by themselves every `pollIntervalMs`'),
} satisfies OptionSchema<BatchOptions>;

const ADDRESSES = {
  normalizer: custom(
    'function',
    'letter case, Unicode form and spelling of the domain do not matter',
    (at, given) => {
      if ((given ?? null) !== null && typeof given !== 'function') throw at.wrong('a function', given);
      return (given ?? null) as AddressNormalizer | null;
    },
  ),
  unicodeLocalParts: word(['send', 'skip'], 'skip'),
  nonStandardLocalParts: word(['send', 'skip'], 'skip'),
} satisfies OptionSchema<AddressOptions>;

const PROFILES = {
  daysContactFatigue: wholeOrNull({ min: 1, max: 3_650, nullIs: 'off' }),
  hoursContactFatigue: wholeOrNull({ min: 1, max: 87_600, nullIs: 'off' }),
  invalidateRefused: flag(true),
} satisfies OptionSchema<ProfileOptions>;

const MAX_TAGS = 50;
/** Without `html` and `body`: a text of nothing is no text. */
const TAG = /^(?!(?:html|body)$)[a-z][a-z0-9-]{0,39}$/;

/** Also those of a single mailing. */
export const TEXT = {
  lineWidth: whole({ default: 78, min: 20, max: 900, or: { value: 0, words: '0 for lines of any length' } }),
  indentWidth: whole({ default: 1, min: 0, max: 20 }),
  hrChar: sign(1, '-'),
  liChar: sign(3, '*'),
  dropTags: custom<readonly string[]>('names of elements', 'none', (at, given) => {
    const list = given ?? [];
    if (!Array.isArray(list) || list.length > MAX_TAGS)
      throw at.wrong(`an array of at most ${MAX_TAGS} names of elements`, list);
    return list.map((tag: unknown, n) => {
      const name = typeof tag === 'string' ? tag.toLowerCase() : '';
      if (!TAG.test(name)) throw at.entry(n).wrong('the name of an element, other than html and body', tag);
      return name;
    });
  }),
} satisfies OptionSchema<TextOptions>;

const TEMPLATES = {
  dir: folder,
  partialsDir: custom<string, { dir: string }>(
    'absolute path',
    '`partials` in the template folder, if it is there',
    (at, given, { dir }) =>
      (given ?? null) === null ? join(dir, 'partials') : folder.read(at, given, undefined),
  ),
  helpers: custom('functions by their names', 'none', readHelpers),
  text: group(TEXT),
  textConverter: custom('function', 'the plugin converts', (at, given) => {
    if ((given ?? null) !== null && typeof given !== 'function') throw at.wrong('a function', given);
    return (given ?? null) as TextConverter | null;
  }),
} satisfies OptionSchema<TemplateOptions>;

const ATTACHMENT_STORE = { dir: folder };

const ATTACHMENTS = {
  maxBytes: whole({ default: 26_214_400, min: 1, max: 1_073_741_824 }),
  maxPerRecipient: whole({ default: 10, min: 1, max: 100 }),
  maxRecipientBytes: whole({ default: 2_097_152, min: 1, max: 104_857_600 }),
  fetchTimeoutMs: whole({ default: 30_000, min: 10, max: 600_000 }),
  store: custom<AttachmentStorageOption>('`table`, or `{ dir }`', '`table`', (at, given) => {
    const value = given ?? 'table';
    if (value === 'table') return value;
    if (typeof value !== 'object') throw at.wrong("'table' or { dir: … }", value);
    return readOptions(at, ATTACHMENT_STORE, value);
  }),
} satisfies OptionSchema<AttachmentOptions>;

const JOURNAL = {
  dir: custom('absolute path', 'required', (at, given) => {
    if (typeof given !== 'string' || !isAbsolute(given))
      throw at.wrong('the absolute path of a folder', given);
    return given;
  }),
} satisfies OptionSchema<JournalOptions>;

/** All options of `MailingModule`. */
export const MAILING_OPTIONS = {
  templates: requiredGroup(TEMPLATES),
  uniqServerId: text({ default: hostname(), words: 'the host name', max: MAX_NAME }),
  migrationList: custom('ids of servers', 'none', (at, given) => {
    const list = given ?? [];
    if (!Array.isArray(list)) throw at.wrong('an array of server ids', list);
    return [...new Set(list.map((id, n) => boundedText(at.entry(n), id, MAX_NAME)))];
  }),
  enabledAsTemplateMailServer: flag(false),
  logRecipients: flag(false),
  resume: word(['auto', 'manual'], 'auto'),
  inDoubt: custom<InDoubtPolicy>('`leave`, `resend`, or a function', '`leave`', (at, given) => {
    const policy = given ?? 'leave';
    if (typeof policy === 'function' || policy === 'leave' || policy === 'resend')
      return policy as InDoubtPolicy;
    throw at.wrong('leave, resend or a function', policy);
  }),
  renderer: aClass<TemplateRenderer>('Handlebars'),
  templateEmailPersister: aClass<MailingPersister>('`TemplateEmailPersister`'),
  profileRepository: aClass<ProfileRepository>('none'),
  parameterProcessor: aClass<ParameterProcessor>('none'),
  suppressionList: custom('class, or false', 'a table beside those of the mailings', (at, given) => {
    if (given === false) return given;
    if ((given ?? null) !== null && typeof given !== 'function') throw at.wrong('a class or false', given);
    return (given ?? null) as Type<SuppressionList> | null;
  }),
  addresses: group(ADDRESSES),
  profiles: group(PROFILES),
  messageSender: aClass<EmailMessageSender>('the mailer'),
  transporterName: text({ default: null, words: 'its default transport', max: MAX_NAME }),
  bulkSmtp: flag(false),
  debugHeaders: flag(false),
  envelopeFrom: aFunction<EnvelopeFrom>('the address of `from`'),
  messageHeaders: aFunction<MessageHeadersOf>('none'),
  recipientAttachments: custom('functions by their names', 'none', readAttachmentFunctions),
  run: group(RUN),
  retry: group(RETRY),
  errorGuard: group(ERROR_GUARD),
  server: group(SERVER),
  batch: group(BATCH),
  attachments: group(ATTACHMENTS),
  journal: {
    ...optionalGroup(JOURNAL),
    defaultWords: 'a folder in the state directory of the user',
    read: (at: OptionPlace, given: unknown) => {
      if (given === false) return null;
      return (given ?? null) === null ? { dir: null } : readOptions(at, JOURNAL, given);
    },
  },
  unsubscribe: {
    ...optionalGroup(UNSUBSCRIBE),
    read: (at: OptionPlace, given: unknown) =>
      (given ?? null) === null ? null : toUnsubscribeSettings(at, given),
  },
} satisfies OptionSchema<MailingModuleOptions>;

function readAttachmentFunctions(at: OptionPlace, given: unknown): Record<string, RecipientAttachmentsOf> {
  const functions = given ?? {};
  if (!isPlainObject(functions)) throw at.wrong('an object of functions', functions);
  for (const [name, value] of Object.entries(functions)) {
    if (name.trim() === '' || name.length > MAX_NAME)
      throw at.wrong(`named by texts of at most ${MAX_NAME} characters that are not empty`, name);
    if (typeof value !== 'function') throw at.of(name).wrong('a function', value);
  }
  return { ...functions } as Record<string, RecipientAttachmentsOf>;
}

function aFunction<F>(defaultWords: string): OptionKind<F | null> {
  return custom('function', defaultWords, (at, given) => {
    if ((given ?? null) !== null && typeof given !== 'function') throw at.wrong('a function', given);
    return (given ?? null) as F | null;
  });
}

function readHelpers(at: OptionPlace, given: unknown): Record<string, TemplateHelper> {
  const helpers = given ?? {};
  if (typeof helpers !== 'object') throw at.wrong('an object of functions', helpers);
  // A template could not tell the host's helper `slot` from the `{{#slot}}` of the plugin.
  if ('slot' in helpers && Object.hasOwn(helpers, 'slot')) {
    const expected = 'absent, because {{#slot}} shows what a mailing is filled with';
    const next = 'Give the helper another name.';
    throw at.of('slot').wrong(expected, helpers.slot, undefined, next);
  }
  for (const [name, helper] of Object.entries(helpers))
    if (typeof helper !== 'function') throw at.of(name).wrong('a function', helper);
  return { ...helpers };
}
