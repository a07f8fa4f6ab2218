import { keyBy } from '../addresses/address-key.js';
import type { MailingModuleOptions, MailingSettings } from './mailing-options.js';
import { MAILING_OPTIONS } from './mailing-options.schema.js';
import { readOptions } from './option-group.js';
import { OptionPlace } from './option-place.js';
import { MailingOptionsError } from './setup.errors.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const OPTIONS = new OptionPlace(
  '',
  ({ option, expected, value, got, nextStep }) =>
    new MailingOptionsError(option, expected, value, got, nextStep),
);

/** `forRootAsync` needs these before any factory can run. */
const BESIDE_FACTORY = 'Give it to forRootAsync itself, beside useFactory, useClass or useExisting.';
const MAX_RECIPIENT_FILES_BYTES = 2 ** 30;
const HINTS = { dataSource: BESIDE_FACTORY, isGlobal: BESIDE_FACTORY };

/**
 * Fills in the defaults and checks every bound.
 *
 * @throws MailingOptionsError naming the first option that is unknown, out of its bounds or contradicts another.
 */
export function toMailingSettings(options: MailingModuleOptions): MailingSettings {
  const { addresses, profiles, ...read } = readOptions(OPTIONS, MAILING_OPTIONS, options, HINTS);
  const { normalizer, ...localParts } = addresses;
  const { daysContactFatigue: days, hoursContactFatigue: hours, invalidateRefused } = profiles;
  if (days !== null && hours !== null) {
    const both = 'profiles.daysContactFatigue and profiles.hoursContactFatigue';
    throw OPTIONS.of(both).wrong('given one without the other', [days, hours], 'both');
  }
  assertOneTransport(read);
  assertAttachmentsFit(read);
  const contactFatigueMs = days === null ? hours && hours * HOUR_MS : days * DAY_MS;
  return {
    ...read,
    addresses: { keyOf: keyBy(normalizer), ...localParts },
    profiles: { contactFatigueMs, invalidateRefused },
  };
}

/** Files of single recipients are in memory while their messages are made and sent. */
function assertAttachmentsFit(
  read: Pick<
    MailingSettings,
    'attachments' | 'batch' | 'enabledAsTemplateMailServer' | 'recipientAttachments' | 'run'
  >,
): void {
  if (Object.keys(read.recipientAttachments).length === 0) return;
  const { maxRecipientBytes } = read.attachments;
  const slices = read.enabledAsTemplateMailServer ? read.batch.numBatchThreads : 1;
  const most = Math.floor(MAX_RECIPIENT_FILES_BYTES / (read.run.concurrency * slices));
  if (maxRecipientBytes <= most) return;
  const words = slices > 1 ? 'run.concurrency × batch.numBatchThreads' : 'run.concurrency';
  const expected = `at most ${most}, so that the files of the ${words} messages under way fit in 1 GiB`;
  throw OPTIONS.of('attachments.maxRecipientBytes').wrong(
    expected,
    maxRecipientBytes,
    `the number ${maxRecipientBytes}`,
    'Lower it, or run.concurrency.',
  );
}

/** The other two choose a transport of the mailer, which a sender of the host does not use. */
function assertOneTransport(
  read: Pick<MailingSettings, 'messageSender' | 'bulkSmtp' | 'transporterName'>,
): void {
  if (read.messageSender === null) return;
  const other = read.bulkSmtp ? 'bulkSmtp' : 'transporterName';
  if (!read[other]) return;
  const expected = 'absent, because messageSender takes the place of the mailer';
  const nextStep = `Take away ${other} or messageSender where the host calls MailingModule.forRoot or forRootAsync.`;
  throw OPTIONS.of(other).wrong(expected, read[other], undefined, nextStep);
}
