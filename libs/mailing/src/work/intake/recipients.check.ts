import type { Recipients } from '../../model/mail/recipient.js';
import { ProfileRepositoryMissingError, UnknownRecipientsError } from '../../model/errors/request.errors.js';
import { isIterable } from '../../model/host-calls/source-reading.js';
import { Turns } from '../../model/values/turns.js';

/**
 * The check of a list before it is read.
 *
 * @throws UnknownRecipientsError if it can't be iterated over.
 */
export function checkRecipients(recipients: Recipients): void {
  if (!isIterable(recipients)) throw new UnknownRecipientsError(recipients);
}

/**
 * Checks an array for profile ids if they can't be looked up. A stream can be read only once, so its entries are checked while it is written.
 *
 * @throws ProfileRepositoryMissingError if there is one.
 */
export async function checkForProfiles(recipients: Recipients, hasProfiles: boolean): Promise<void> {
  if (hasProfiles || !Array.isArray(recipients)) return;
  const turns = new Turns();
  for (const one of recipients as readonly unknown[]) {
    if (turns.isOver()) await turns.next();
    if (hasUserId(one)) throw new ProfileRepositoryMissingError();
  }
}

/** False for an entry that throws on access: it costs only itself, when it is read. */
function hasUserId(one: unknown): boolean {
  try {
    return typeof one === 'object' && one !== null && 'userId' in one;
  } catch {
    return false;
  }
}
