import { hostname } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { keyBy } from '../addresses/address-key.js';
import { HOST_CALL_TIMEOUT_MS } from '../host-calls/host-call.js';
import type { InDoubtPolicy } from './in-doubt-policy.js';
import type {
  AddressOptions,
  BatchOptions,
  ErrorGuardOptions,
  JournalOptions,
  MailingModuleOptions,
  MailingSettings,
  ProfileOptions,
  RetryOptions,
  RunOptions,
  ServerOptions,
} from './mailing-options.js';
import type {
  AttachmentOptions,
  AttachmentStorageOption,
  TemplateOptions,
  TextOptions,
} from './content-options.js';
import { aClass, flag, folder, sign, text, whole } from './option-checks.js';
import { MailingOptionsError } from './setup.errors.js';
import type { ResumePolicy } from './resume-policy.js';
import { SOURCE_TIMEOUT_MS } from '../host-calls/source-watch.js';
import { toUnsubscribeSettings } from './unsubscribe.settings.js';

const GROUPS: Record<string, readonly string[]> = {
  '': [
    'templates',
    'uniqServerId',
    'migrationList',
    'enabledAsTemplateMailServer',
    'logRecipients',
    'resume',
    'inDoubt',
    'renderer',
    'profileRepository',
    'suppressionList',
    'addresses',
    'profiles',
    'transporterName',
    'bulkSmtp',
    'run',
    'retry',
    'errorGuard',
    'server',
    'batch',
    'attachments',
    'journal',
    'unsubscribe',
  ],
  run: [
    'concurrency',
    'maxInDoubt',
    'messageTimeoutMs',
    'maxConcurrentMailings',
    'ratePerSecond',
    'transportOutageTimeoutMs',
    'databaseRetryTimeoutMs',
    'hostCallTimeoutMs',
    'sourceTimeoutMs',
  ],
  retry: ['maxAttempts', 'initialDelayMs', 'maxDelayMs'],
  errorGuard: ['sampleSize', 'maxErrorPercent'],
  server: [
    'heartbeatIntervalMs',
    'leaseMs',
    'shutdownTimeoutMs',
    'idleTransactionTimeoutMs',
    'databaseLagTimeoutMs',
    'commitMemoryMs',
  ],
  batch: ['emailsPerBatch', 'numBatchThreads', 'batchIfPossible', 'pollIntervalMs', 'dispatcher'],
  addresses: ['normalizer', 'unicodeLocalParts', 'nonStandardLocalParts'],
  profiles: ['daysContactFatigue', 'hoursContactFatigue', 'invalidateRefused'],
  templates: ['dir', 'partialsDir', 'helpers', 'text'],
  'templates.text': ['lineWidth', 'indentWidth', 'hrChar', 'liChar'],
  journal: ['dir'],
  attachments: ['maxBytes', 'fetchTimeoutMs', 'store'],
  'attachments.store': ['dir'],
};

/** These are needed before any factory can run. */
const BESIDE_FACTORY = 'Give it to forRootAsync itself, beside useFactory, useClass or useExisting.';
const HINTS: Record<string, string | undefined> = { dataSource: BESIDE_FACTORY, isGlobal: BESIDE_FACTORY };

/**
 * Fills in the defaults and checks every bound.
 *
 * @throws MailingOptionsError naming the first option that is unknown, out of its bounds or contradicts another.
 */
export function toMailingSettings(options: MailingModuleOptions): MailingSettings {
  checkNames('', options);
  return {
    templates: templateSettings(options.templates),
    uniqServerId: text('uniqServerId', options.uniqServerId ?? hostname(), 255),
    migrationList: migrationList(options.migrationList ?? []),
    enabledAsTemplateMailServer: flag(
      'enabledAsTemplateMailServer',
      options.enabledAsTemplateMailServer ?? false,
    ),
    logRecipients: flag('logRecipients', options.logRecipients ?? false),
    resume: resumePolicy(options.resume ?? 'auto'),
    inDoubt: inDoubtPolicy(options.inDoubt ?? 'leave'),
    renderer: aClass('renderer', options.renderer ?? null),
    profileRepository: aClass('profileRepository', options.profileRepository ?? null),
    suppressionList:
      options.suppressionList === false
        ? false
        : aClass('suppressionList', options.suppressionList ?? null, 'a class or false'),
    addresses: addressSettings(options.addresses ?? {}),
    profiles: profileSettings(options.profiles ?? {}),
    transporterName:
      options.transporterName === undefined ? null : text('transporterName', options.transporterName, 255),
    bulkSmtp: flag('bulkSmtp', options.bulkSmtp ?? false),
    run: runSettings(options.run ?? {}),
    retry: retrySettings(options.retry ?? {}),
    errorGuard: errorGuardSettings(options.errorGuard ?? {}),
    batch: batchSettings(options.batch ?? {}),
    attachments: attachmentSettings(options.attachments ?? {}),
    journal: options.journal === undefined ? null : journalSettings(options.journal),
    unsubscribe: options.unsubscribe === undefined ? null : toUnsubscribeSettings(options.unsubscribe),
    server: serverSettings(options.server ?? {}),
  };
}

function serverSettings(server: ServerOptions): Required<ServerOptions> {
  checkNames('server', server);
  const heartbeatIntervalMs = whole(
    'server.heartbeatIntervalMs',
    server.heartbeatIntervalMs ?? 5_000,
    20,
    600_000,
  );
  return {
    heartbeatIntervalMs,
    leaseMs: whole(
      'server.leaseMs',
      server.leaseMs ?? Math.max(20_000, 3 * heartbeatIntervalMs),
      3 * heartbeatIntervalMs,
      86_400_000,
      '3 × server.heartbeatIntervalMs',
    ),
    shutdownTimeoutMs: whole('server.shutdownTimeoutMs', server.shutdownTimeoutMs ?? 10_000, 0, 600_000),
    idleTransactionTimeoutMs: whole(
      'server.idleTransactionTimeoutMs',
      server.idleTransactionTimeoutMs ?? 60_000,
      0,
      3_600_000,
    ),
    databaseLagTimeoutMs: whole(
      'server.databaseLagTimeoutMs',
      server.databaseLagTimeoutMs ?? 5_000,
      0,
      600_000,
    ),
    commitMemoryMs: whole('server.commitMemoryMs', server.commitMemoryMs ?? 60_000, 0, 3_600_000),
  };
}

function runSettings(run: RunOptions): Required<RunOptions> {
  checkNames('run', run);
  const concurrency = whole('run.concurrency', run.concurrency ?? 5, 1, 1_000);
  const maxInDoubt = run.maxInDoubt ?? 2 * concurrency;
  const rate = run.ratePerSecond ?? null;
  const hostCallMs = run.hostCallTimeoutMs ?? HOST_CALL_TIMEOUT_MS;
  return {
    concurrency,
    maxInDoubt: whole('run.maxInDoubt', maxInDoubt, concurrency, 100_000, 'run.concurrency'),
    messageTimeoutMs: whole('run.messageTimeoutMs', run.messageTimeoutMs ?? 60_000, 10, 3_600_000),
    maxConcurrentMailings: whole('run.maxConcurrentMailings', run.maxConcurrentMailings ?? 4, 1, 1_000),
    ratePerSecond: rate === null ? null : whole('run.ratePerSecond', rate, 1, 10_000),
    transportOutageTimeoutMs: whole(
      'run.transportOutageTimeoutMs',
      run.transportOutageTimeoutMs ?? 900_000,
      0,
      86_400_000,
    ),
    databaseRetryTimeoutMs: whole(
      'run.databaseRetryTimeoutMs',
      run.databaseRetryTimeoutMs ?? 60_000,
      0,
      3_600_000,
    ),
    hostCallTimeoutMs: whole('run.hostCallTimeoutMs', hostCallMs, 10, 600_000),
    sourceTimeoutMs: whole('run.sourceTimeoutMs', run.sourceTimeoutMs ?? SOURCE_TIMEOUT_MS, 10, 86_400_000),
  };
}

function retrySettings(retry: RetryOptions): Required<RetryOptions> {
  checkNames('retry', retry);
  const maxDelayMs = whole('retry.maxDelayMs', retry.maxDelayMs ?? 7_200_000, 1, 604_800_000);
  const initialDelayMs = retry.initialDelayMs ?? Math.min(300_000, maxDelayMs);
  return {
    maxAttempts: whole('retry.maxAttempts', retry.maxAttempts ?? 5, 1, 100),
    initialDelayMs: whole('retry.initialDelayMs', initialDelayMs, 1, maxDelayMs),
    maxDelayMs,
  };
}

function errorGuardSettings(guard: ErrorGuardOptions): Required<ErrorGuardOptions> {
  checkNames('errorGuard', guard);
  return {
    sampleSize: whole('errorGuard.sampleSize', guard.sampleSize ?? 50, 0, 100_000),
    maxErrorPercent: whole('errorGuard.maxErrorPercent', guard.maxErrorPercent ?? 80, 1, 99),
  };
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function profileSettings(profiles: ProfileOptions): MailingSettings['profiles'] {
  checkNames('profiles', profiles);
  const days = profiles.daysContactFatigue ?? null;
  const hours = profiles.hoursContactFatigue ?? null;
  if (days !== null && hours !== null) {
    const both = 'profiles.daysContactFatigue and profiles.hoursContactFatigue';
    throw new MailingOptionsError(both, 'given one without the other', [days, hours]);
  }
  let contactFatigueMs: number | null = null;
  if (days !== null) contactFatigueMs = DAY_MS * whole('profiles.daysContactFatigue', days, 1, 3_650);
  if (hours !== null) contactFatigueMs = HOUR_MS * whole('profiles.hoursContactFatigue', hours, 1, 87_600);
  return {
    contactFatigueMs,
    invalidateRefused: flag('profiles.invalidateRefused', profiles.invalidateRefused ?? true),
  };
}

function batchSettings(batch: BatchOptions): MailingSettings['batch'] {
  checkNames('batch', batch);
  return {
    emailsPerBatch: whole('batch.emailsPerBatch', batch.emailsPerBatch ?? 100, 1, 1_000_000),
    numBatchThreads: whole('batch.numBatchThreads', batch.numBatchThreads ?? 4, 1, 1_000),
    batchIfPossible: flag('batch.batchIfPossible', batch.batchIfPossible ?? false),
    pollIntervalMs: whole('batch.pollIntervalMs', batch.pollIntervalMs ?? 1_000, 20, 600_000),
    dispatcher: aClass('batch.dispatcher', batch.dispatcher ?? null),
  };
}

function addressSettings(addresses: AddressOptions): MailingSettings['addresses'] {
  checkNames('addresses', addresses);
  const normalizer = addresses.normalizer ?? null;
  if (normalizer !== null && typeof normalizer !== 'function') {
    throw new MailingOptionsError('addresses.normalizer', 'a function', normalizer);
  }
  return {
    keyOf: keyBy(normalizer),
    unicodeLocalParts: sendOrSkip('addresses.unicodeLocalParts', addresses.unicodeLocalParts),
    nonStandardLocalParts: sendOrSkip('addresses.nonStandardLocalParts', addresses.nonStandardLocalParts),
  };
}

function sendOrSkip(option: string, value: unknown): 'send' | 'skip' {
  const wanted = value ?? 'skip';
  if (wanted === 'send' || wanted === 'skip') return wanted;
  throw new MailingOptionsError(option, 'send or skip', value);
}

function attachmentSettings(attachments: AttachmentOptions): Required<AttachmentOptions> {
  checkNames('attachments', attachments);
  const { maxBytes, fetchTimeoutMs, store } = attachments;
  return {
    maxBytes: whole('attachments.maxBytes', maxBytes ?? 26_214_400, 1, 1_073_741_824),
    fetchTimeoutMs: whole('attachments.fetchTimeoutMs', fetchTimeoutMs ?? 30_000, 10, 600_000),
    store: attachmentPlace(store ?? 'table'),
  };
}

function attachmentPlace(place: AttachmentStorageOption): AttachmentStorageOption {
  if (place === 'table') return place;
  if (typeof place !== 'object')
    throw new MailingOptionsError('attachments.store', "'table' or { dir: … }", place);
  checkNames('attachments.store', place);
  return { dir: folder('attachments.store.dir', place.dir) };
}

function journalSettings(journal: JournalOptions): Required<JournalOptions> {
  checkNames('journal', journal);
  const { dir } = journal;
  if (typeof dir !== 'string' || !isAbsolute(dir))
    throw new MailingOptionsError('journal.dir', 'the absolute path of a folder', dir);
  return { dir };
}

function resumePolicy(policy: ResumePolicy): ResumePolicy {
  if (policy === 'auto' || policy === 'manual') return policy;
  throw new MailingOptionsError('resume', 'auto or manual', policy);
}

function inDoubtPolicy(policy: InDoubtPolicy): InDoubtPolicy {
  if (typeof policy === 'function' || policy === 'leave' || policy === 'resend') return policy;
  throw new MailingOptionsError('inDoubt', 'leave, resend or a function', policy);
}

function checkNames(group: string, options: object): void {
  const path = group ? `${group}.` : '';
  if (typeof options !== 'object' || options === null) {
    throw new MailingOptionsError(group || 'options', 'an object', options);
  }
  for (const name of Object.keys(options)) {
    if (!GROUPS[group].includes(name)) {
      const expected = `absent, because the options here are ${GROUPS[group].join(', ')}`;
      throw new MailingOptionsError(
        `${path}${name}`,
        expected,
        (options as Record<string, unknown>)[name],
        undefined,
        HINTS[name],
      );
    }
  }
}

function migrationList(list: string[]): string[] {
  if (!Array.isArray(list)) throw new MailingOptionsError('migrationList', 'an array of server ids', list);
  return [...new Set(list.map((id, n) => text(`migrationList[${n}]`, id, 255)))];
}

function templateSettings(templates: TemplateOptions): MailingSettings['templates'] {
  checkNames('templates', templates);
  const { dir, partialsDir, helpers = {}, text: textOptions = {} } = templates;
  if (typeof helpers !== 'object' || helpers === null)
    throw new MailingOptionsError('templates.helpers', 'an object of functions', helpers);
  // A template of the host would show the one and mean the other.
  if (Object.hasOwn(helpers, 'slot')) {
    const expected = 'absent, because {{#slot}} shows what a mailing is filled with';
    throw new MailingOptionsError(
      'templates.helpers.slot',
      expected,
      helpers.slot,
      undefined,
      'Give the helper another name.',
    );
  }
  for (const [name, helper] of Object.entries(helpers)) {
    if (typeof helper !== 'function')
      throw new MailingOptionsError(`templates.helpers.${name}`, 'a function', helper);
  }
  return {
    dir: folder('templates.dir', dir),
    partialsDir:
      partialsDir === undefined ? join(dir, 'partials') : folder('templates.partialsDir', partialsDir),
    helpers: { ...helpers },
    text: textSettings(textOptions),
  };
}

function textSettings(options: TextOptions): Required<TextOptions> {
  checkNames('templates.text', options);
  const { lineWidth = 78, indentWidth = 1, hrChar = '-', liChar = '*' } = options;
  return {
    lineWidth:
      lineWidth === 0
        ? 0
        : whole('templates.text.lineWidth', lineWidth, 20, 900, '0 for lines of any length'),
    indentWidth: whole('templates.text.indentWidth', indentWidth, 0, 20),
    hrChar: sign('templates.text.hrChar', hrChar, 1),
    liChar: sign('templates.text.liChar', liChar, 3),
  };
}
