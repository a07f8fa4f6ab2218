import type { MailingSettings } from '../model/mailing-options.js';

const MIN_MS = 60_000;
const SLACK_MS = 30_000;

/**
 * How long a run that works in good order may commit nothing, in milliseconds: as long as one message may take, and one answer of the host,
 * and the 30 s between two looks of a run that waits; a minute at least. With the defaults that is two minutes: sooner, a mailing whose last
 * message takes its time would be reported as one that stands still.
 */
export function stalledAfterMs({ messageTimeoutMs, hostCallTimeoutMs }: MailingSettings['run']): number {
  return Math.max(MIN_MS, messageTimeoutMs + hostCallTimeoutMs + SLACK_MS);
}
