import type { Recipients } from '../../model/mail/recipient.js';
import { ProfileRepositoryMissingError, UnknownRecipientsError } from '../../model/errors/request.errors.js';
import { isIterable } from '../../model/host-calls/source-reading.js';
import { Turns } from '../../model/values/turns.js';

/**
 * What can be said of a list before it is read.
 *
 * @throws UnknownRecipientsError if it can't be iterated over.
 */
export function checkRecipients(recipients: Recipients): void {
  if (!isIterable(recipients)) throw new UnknownRecipientsError(recipients);
}

/**
 * Looks through a list that is all there for ids of profiles, which can not be looked up. A stream can be looked at only once, while it
 * is written down.
 *
 * @throws ProfileRepositoryMissingError
 */
export async function checkForProfiles(recipients: Recipients, hasProfiles: boolean): Promise<void> {
  if (hasProfiles || !Array.isArray(recipients)) return;
  const turns = new Turns();
  for (const one of recipients as readonly unknown[]) {
    if (turns.isOver()) await turns.next();
    if (hasUserId(one)) throw new ProfileRepositoryMissingError();
  }
}

/** What throws when it is looked at costs itself only, once it is read. */
function hasUserId(one: unknown): boolean {
  try {
    return typeof one === 'object' && one !== null && 'userId' in one;
  } catch {
    return false;
  }
}
