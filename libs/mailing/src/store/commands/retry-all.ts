import { MailingEndedError } from '../../model/errors/command.errors.js';
import { changeInChunks, type CommandScope } from './change-in-chunks.js';
import type { RetryableStatus } from './find-retryable.js';
import { retryRecipients } from './retry-recipients.js';

/**
 * Makes all recipients with this status due for another attempt.
 *
 * @returns how many.
 * @throws MailingEndedError if the mailing was canceled or has failed, also if that happens between two chunks.
 */
export function retryAll(scope: CommandScope, mailingId: string, which: RetryableStatus): Promise<number> {
  return changeInChunks(
    scope,
    mailingId,
    which,
    'afterRetryChunk',
    async (session, slice, source, indexes) => {
      const status = await retryRecipients(session, session.tables[source], slice, which, indexes);
      if (status === 'canceled' || status === 'canceling' || status === 'failed') {
        throw new MailingEndedError(mailingId, status);
      }
    },
  );
}
