import { ScenarioOptionsError } from './scenario.errors.js';

/**
 * The day in a time zone, for the `eventId` of a method that `@Cron` calls once a day: `2026-10-25`. Give it the zone of the cron. In
 * another zone, UTC included, a day comes twice or not at all around a change of the clocks. The second of two mailings is then taken for a
 * repeat.
 *
 * @param timeZone name of the zone in the tz database, as in `@Cron`.
 * @param at default: now.
 *
 * @throws ScenarioOptionsError if there is no such zone, or no such time.
 *
 * @example
 * ```ts
 * @Scenario()
 * class Letters {
 *   @Cron('30 1 * * *', { timeZone: 'Europe/Berlin' })
 *   @SendEmail({ template: 'daily.hbs', subject: 'Today', from: 'news@shop.example', eventId: () => dayIn('Europe/Berlin') })
 *   daily() {
 *     return ['ann@home.example'];
 *   }
 * }
 * ```
 */
export function dayIn(timeZone: string, at: Date = new Date()): string {
  const { year, month, day } = partsIn(timeZone, at);
  return `${year}-${month}-${day}`;
}

/**
 * The hour in a time zone with its offset from UTC, for the `eventId` of a method that `@Cron` calls once an hour: `2026-10-25T02+02:00`.
 * When the clocks are put back, the hour that comes twice has two ids.
 *
 * @param timeZone name of the zone in the tz database, as in `@Cron`.
 * @param at default: now.
 *
 * @throws ScenarioOptionsError if there is no such zone, or no such time.
 *
 * @example
 * ```ts
 * const eventId = () => hourIn('Europe/Berlin');
 * ```
 */
export function hourIn(timeZone: string, at: Date = new Date()): string {
  const { year, month, day, hour, offset } = partsIn(timeZone, at);
  return `${year}-${month}-${day}T${hour}${offset}`;
}

function partsIn(timeZone: string, at: Date): Record<'year' | 'month' | 'day' | 'hour' | 'offset', string> {
  if (!(at instanceof Date) || Number.isNaN(at.getTime()))
    throw new ScenarioOptionsError('at', 'a Date that is a time', 'another value');
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  const digits = (type: Intl.DateTimeFormatPartTypes, length = 2): string =>
    (parts.get(type) ?? '').padStart(length, '0');
  return {
    year: digits('year', 4),
    month: digits('month'),
    day: digits('day'),
    hour: digits('hour'),
    // `GMT+02:00`; `GMT` alone means no offset.
    offset: parts.get('timeZoneName')?.slice('GMT'.length) || '+00:00',
  };
}

function formatOf(timeZone: unknown): Intl.DateTimeFormat {
  const expected = 'the name of a time zone, for example Europe/Berlin';
  // Undefined would mean the zone of the machine, which may differ between servers.
  if (typeof timeZone !== 'string') throw new ScenarioOptionsError('timeZone', expected, typeof timeZone);
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      timeZoneName: 'longOffset',
    });
  } catch {
    throw new ScenarioOptionsError('timeZone', expected, 'a text that this process knows no zone by');
  }
}
