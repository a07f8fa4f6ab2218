import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mailboxKey } from '../../libs/mailing/src/model/addresses/email-address.js';
import type { MailingModuleOptions } from '../../libs/mailing/src/model/options/mailing-options.js';
import { toMailingSettings } from '../../libs/mailing/src/model/options/mailing-settings.factory.js';
import { MailingOptionsError } from '../../libs/mailing/src/model/options/setup.errors.js';

describe('toMailingSettings', () => {
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mailing-settings-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  const settings = (options: object = {}): ReturnType<typeof toMailingSettings> =>
    toMailingSettings({ templates: { dir }, ...options } as MailingModuleOptions);
  const refused = (options: object): MailingOptionsError => {
    try {
      settings(options);
    } catch (error) {
      if (error instanceof MailingOptionsError) return error;
      throw error;
    }
    throw new Error(`These options were taken: ${JSON.stringify(options)}`);
  };

  it('sets every default', () => {
    expect(settings()).toEqual({
      templates: {
        dir,
        partialsDir: join(dir, 'partials'),
        helpers: {},
        text: { lineWidth: 78, indentWidth: 1, hrChar: '-', liChar: '*', dropTags: [] },
        textConverter: null,
      },
      uniqServerId: hostname(),
      migrationList: [],
      inDoubt: 'leave',
      resume: 'auto',
      renderer: null,
      templateEmailPersister: null,
      profileRepository: null,
      parameterProcessor: null,
      suppressionList: null,
      addresses: { keyOf: mailboxKey, unicodeLocalParts: 'skip', nonStandardLocalParts: 'skip' },
      profiles: { contactFatigueMs: null, invalidateRefused: true },
      messageSender: null,
      transporterName: null,
      bulkSmtp: false,
      debugHeaders: false,
      envelopeFrom: null,
      messageHeaders: null,
      recipientAttachments: {},
      run: {
        concurrency: 5,
        maxInDoubt: 10,
        messageTimeoutMs: 60_000,
        maxConcurrentMailings: 4,
        ratePerSecond: null,
        transportOutageTimeoutMs: 900_000,
        databaseRetryTimeoutMs: 60_000,
        hostCallTimeoutMs: 30_000,
        sourceTimeoutMs: 600_000,
      },
      retry: { maxAttempts: 5, initialDelayMs: 300_000, maxDelayMs: 7_200_000 },
      batch: {
        batchIfPossible: false,
        dispatcher: null,
        emailsPerBatch: 100,
        numBatchThreads: 4,
        pollIntervalMs: 1_000,
      },
      enabledAsTemplateMailServer: false,
      logRecipients: false,
      unsubscribe: null,
      journal: { dir: null },
      attachments: {
        maxBytes: 26_214_400,
        maxPerRecipient: 10,
        maxRecipientBytes: 2_097_152,
        fetchTimeoutMs: 30_000,
        store: 'table',
      },
      errorGuard: { sampleSize: 50, maxErrorPercent: 80 },
      server: {
        heartbeatIntervalMs: 5_000,
        leaseMs: 20_000,
        shutdownTimeoutMs: 10_000,
        idleTransactionTimeoutMs: 60_000,
        databaseLagTimeoutMs: 5_000,
        commitMemoryMs: 60_000,
      },
    });
  });

  it('derives dependent defaults from given options', () => {
    expect(settings({ run: { concurrency: 40 } }).run.maxInDoubt).toBe(80);
    expect(settings({ server: { heartbeatIntervalMs: 10_000 } }).server.leaseMs).toBe(30_000);
    expect(settings({ retry: { maxDelayMs: 1_000 } }).retry.initialDelayMs).toBe(1_000);
  });

  it('takes the window of contact fatigue in days or in hours', () => {
    expect(settings({ profiles: { daysContactFatigue: 2 } }).profiles.contactFatigueMs).toBe(48 * 3_600_000);
    expect(settings({ profiles: { hoursContactFatigue: 48 } }).profiles.contactFatigueMs).toBe(
      48 * 3_600_000,
    );
  });

  it.each([
    ['profiles.daysContactFatigue', { daysContactFatigue: 0 }],
    ['profiles.daysContactFatigue', { daysContactFatigue: 3_651 }],
    ['profiles.daysContactFatigue', { daysContactFatigue: 1.5 }],
    ['profiles.hoursContactFatigue', { hoursContactFatigue: 0 }],
    ['profiles.hoursContactFatigue', { hoursContactFatigue: 87_601 }],
    ['profiles.invalidateRefused', { invalidateRefused: 'no' }],
    ['profiles.minutes', { minutes: 5 }],
    [
      'profiles.daysContactFatigue and profiles.hoursContactFatigue',
      { daysContactFatigue: 1, hoursContactFatigue: 24 },
    ],
  ])('refuses %s of %j', (option, profiles) => {
    const error = refused({ profiles });
    expect(error.option).toBe(option);
    expect(error.message).toContain(option);
  });

  it('names both windows of contact fatigue, and not the kind of a value, if both are given', () => {
    expect(refused({ profiles: { daysContactFatigue: 1, hoursContactFatigue: 24 } }).message).toContain(
      'given one without the other, got both',
    );
  });

  it.each([{ bulkSmtp: true }, { transporterName: 'bulk' }])(
    'refuses %j beside a message sender, because they choose a transport of the mailer',
    (transport) => {
      class ShopSender {}
      const [option] = Object.keys(transport);
      expect(settings({ messageSender: ShopSender }).messageSender).toBe(ShopSender);
      const error = refused({ messageSender: ShopSender, ...transport });
      expect([error.option, error.message]).toEqual([
        option,
        expect.stringContaining(`Take away ${option} or messageSender`),
      ]);
    },
  );

  it('takes auto or manual for resume, and nothing else', () => {
    expect(settings({ resume: 'manual' }).resume).toBe('manual');
    for (const resume of ['never', true, '']) {
      const error = refused({ resume });
      expect([error.option, error.message]).toEqual(['resume', expect.stringContaining('auto or manual')]);
    }
  });

  it('treats undefined as absent', () => {
    const given = { uniqServerId: undefined, run: undefined, server: { heartbeatIntervalMs: undefined } };
    expect(settings(given)).toEqual(settings());
  });

  it.each([
    ['run.concurrency', 1, 1_000],
    ['run.maxInDoubt', 5, 100_000],
    ['run.messageTimeoutMs', 10, 3_600_000],
    ['run.maxConcurrentMailings', 1, 1_000],
    ['run.ratePerSecond', 1, 10_000],
    ['run.transportOutageTimeoutMs', 0, 86_400_000],
    ['run.databaseRetryTimeoutMs', 0, 3_600_000],
    ['run.hostCallTimeoutMs', 10, 600_000],
    ['run.sourceTimeoutMs', 10, 86_400_000],
    ['retry.maxAttempts', 1, 100],
    ['retry.initialDelayMs', 1, 7_200_000],
    ['retry.maxDelayMs', 1, 604_800_000],
    ['errorGuard.sampleSize', 0, 100_000],
    ['errorGuard.maxErrorPercent', 1, 99],
    ['server.heartbeatIntervalMs', 20, 600_000],
    ['server.leaseMs', 15_000, 86_400_000],
    ['server.shutdownTimeoutMs', 0, 600_000],
    ['server.idleTransactionTimeoutMs', 0, 3_600_000],
    ['server.databaseLagTimeoutMs', 0, 600_000],
    ['server.commitMemoryMs', 0, 3_600_000],
    ['batch.emailsPerBatch', 1, 1_000_000],
    ['batch.numBatchThreads', 1, 1_000],
    ['batch.pollIntervalMs', 20, 600_000],
    ['attachments.maxBytes', 1, 1_073_741_824],
    ['attachments.maxPerRecipient', 1, 100],
    ['attachments.maxRecipientBytes', 1, 104_857_600],
    ['attachments.fetchTimeoutMs', 10, 600_000],
  ])('takes %s from %d to %d and nothing else', (option, low, high) => {
    const [group, name] = option.split('.');
    const withValue = (value: unknown): object => ({ [group]: { [name]: value } });
    for (const value of [low, high]) {
      const read = settings(withValue(value)) as unknown as Record<string, Record<string, unknown>>;
      expect(read[group][name]).toBe(value);
    }
    for (const absent of [undefined, null]) expect(settings(withValue(absent))).toEqual(settings({}));
    for (const value of [low - 1, high + 1, low + 0.5, NaN, Infinity, String(high)]) {
      const error = refused(withValue(value));
      expect(error).toMatchObject({ code: 'MAILING_OPTIONS', option, value });
      expect(error.message).toContain(`from ${low}`);
      expect(error.message).toContain(`to ${high}`);
    }
  });

  it.each([
    [
      'run.maxInDoubt below concurrency',
      { run: { concurrency: 9, maxInDoubt: 8 } },
      'run.maxInDoubt',
      'run.concurrency',
    ],
    [
      'a lease under three commits',
      { server: { heartbeatIntervalMs: 1_000, leaseMs: 2_999 } },
      'server.leaseMs',
      '3 × server.heartbeatIntervalMs',
    ],
  ])('names the option that a bound comes from: %s', (_, options, option, boundIs) => {
    const error = refused(options);
    expect(error.option).toBe(option);
    expect(error.message).toContain(boundIs);
  });

  it.each([
    ['concurency', { concurency: 3 }],
    ['run.heartbeatIntervalMs', { run: { heartbeatIntervalMs: 100 } }],
    ['retry.delayMs', { retry: { delayMs: 100 } }],
    ['errorGuard.percent', { errorGuard: { percent: 5 } }],
    ['server.timeoutMs', { server: { timeoutMs: 100 } }],
    ['addresses.normaliser', { addresses: { normaliser: String } }],
    ['templates.folder', { templates: { dir: '/', folder: '/' } }],
  ])('refuses the unknown option %s and lists the known ones', (option, options) => {
    const error = refused(options);
    expect(error.option).toBe(option);
    expect(error.message).toMatch(/the options here are \w+/);
  });

  it.each(['unicodeLocalParts', 'nonStandardLocalParts'])('takes send and skip for addresses.%s', (name) => {
    const withValue = (value: unknown): object => ({ addresses: { [name]: value } });
    for (const value of ['send', 'skip']) {
      const { addresses } = settings(withValue(value));
      expect((addresses as Record<string, unknown>)[name]).toBe(value);
    }
    for (const absent of [undefined, null]) expect(settings(withValue(absent))).toEqual(settings({}));
    for (const value of ['Send', '', true, 1])
      expect(refused(withValue(value)).option).toBe(`addresses.${name}`);
  });

  it.each(['dataSource', 'isGlobal'])('E3 names the place for %s when a factory returns it', (option) => {
    const error = refused({ [option]: 'mail' });
    expect(error.option).toBe(option);
    expect(error.message).toContain('Give it to forRootAsync itself, beside useFactory');
  });

  it.each([
    ['uniqServerId', ''],
    ['uniqServerId', '  '],
    ['uniqServerId', 'x'.repeat(256)],
    ['uniqServerId', 8851],
    ['transporterName', ''],
    ['inDoubt', 'ask'],
    ['profileRepository', {}],
    ['profileRepository', 'Customers'],
    ['migrationList', 'old:1'],
    ['enabledAsTemplateMailServer', 'yes'],
    ['batch', 5],
    ['run', 5],
    ['templates', 'templates'],
  ])('refuses %s %j', (option, value) => {
    expect(refused({ [option]: value })).toMatchObject({ option, value });
  });

  it.each([
    ['batch.batchIfPossible', { batchIfPossible: 'always' }],
    ['batch.dispatcher', { dispatcher: {} }],
  ])('refuses %s of another kind', (option, batch) => {
    expect(refused({ batch }).option).toBe(option);
  });

  it('accepts a function as policy for recipients in doubt', () => {
    const resolver = (): [] => [];
    expect(settings({ inDoubt: resolver }).inDoubt).toBe(resolver);
  });

  it('names the wrong entry of the migration list, and keeps each id once', () => {
    expect(refused({ migrationList: ['a:1', ''] }).option).toBe('migrationList[1]');
    expect(settings({ migrationList: ['a:1', 'b:2', 'a:1'] }).migrationList).toEqual(['a:1', 'b:2']);
  });

  it.each(['attachments', '', undefined, 5, '/no/such/folder'])(
    'refuses to keep attachments in the folder %j',
    (wrong) => {
      const error = refused({ attachments: { store: { dir: wrong } } });
      expect(error.option).toBe('attachments.store.dir');
      expect(error.message).toContain('the absolute path of a folder that exists');
    },
  );

  it.each(['folder', 5, true])('refuses to keep attachments in %j, and lists the choices', (store) => {
    const error = refused({ attachments: { store } });
    expect(error).toMatchObject({ option: 'attachments.store', value: store });
    expect(error.message).toContain("'table' or { dir: … }");
  });

  it.each(['journal', '', undefined, 5])('refuses to keep a journal in the folder %j', (wrong) => {
    const error = refused({ journal: { dir: wrong } });
    expect(error.option).toBe('journal.dir');
    expect(error.message).toContain('the absolute path of a folder');
    expect(refused({ journal: { dir, path: dir } }).option).toBe('journal.path');
    expect(settings({ journal: { dir: '/not/there/yet' } }).journal).toEqual({ dir: '/not/there/yet' });
  });

  it('keeps attachments in an existing folder', () => {
    expect(settings({ attachments: { store: { dir } } }).attachments.store).toEqual({ dir });
    expect(refused({ attachments: { store: { dir, path: dir } } }).option).toBe('attachments.store.path');
  });

  it('E10 requires an absolute path of an existing template folder', () => {
    const file = join(dir, 'letter.hbs');
    writeFileSync(file, '');
    for (const wrong of ['templates', './templates', join(dir, 'gone'), file, '', undefined, 5]) {
      expect(refused({ templates: { dir: wrong } }).option).toBe('templates.dir');
    }
    expect(refused({ templates: undefined }).option).toBe('templates');
  });

  it.each([undefined, null])('names what is required when there are no options: %j', (options) => {
    expect(() => toMailingSettings(options as unknown as MailingModuleOptions)).toThrow(MailingOptionsError);
  });

  it('refuses a helper with the name of the slot block', () => {
    const error = refused({ templates: { dir, helpers: { upper: String, slot: () => 'mine' } } });
    expect(error).toMatchObject({ option: 'templates.helpers.slot' });
    expect(error.message).toContain('{{#slot}}');
  });
});
