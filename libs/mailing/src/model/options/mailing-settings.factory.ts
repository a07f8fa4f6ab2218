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
  const contactFatigueMs = days === null ? hours && hours * HOUR_MS : days * DAY_MS;
  return {
    ...read,
    addresses: { keyOf: keyBy(normalizer), ...localParts },
    profiles: { contactFatigueMs, invalidateRefused },
  };
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
