import { toListedRecipient } from '../../../libs/mailing/src/model/mail/listed-recipient.js';
import type { TemplateEmailPersister } from '../../../libs/mailing/src/store/intake/template-email.persister.js';

const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
const CHUNK = 1_000;

/**
 * Stores a mailing to so many plain addresses, ready to be sent.
 *
 * @param recipients a multiple of 1,000. @param batchSize null: without batches.
 * @returns its id.
 */
export async function writtenList(
  persister: TemplateEmailPersister,
  uniqServerId: string,
  recipients: number,
  batchSize: number | null = null,
): Promise<string> {
  const terms = { idempotencyKey: null, sendAt: null, doNotStartAfter: null, batchSize };
  const mailingId = (await persister.createMailing(INFO, uniqServerId, 'list', terms)) as string;
  const cut = (fromIdx: number, toIdx: number) => (batchSize === null ? null : { batchSize, fromIdx, toIdx });
  for (let first = 0; first < recipients; first += CHUNK) {
    const chunk = Array.from({ length: CHUNK }, (_, n) => ({
      ...toListedRecipient(`reader${first + n}@home.example`, true),
      idx: first + n,
    }));
    await persister.writeChunk(mailingId, 'list', chunk, cut(first, first + CHUNK));
  }
  await persister.finishList(mailingId, 'list', recipients, cut(recipients, recipients));
  return mailingId;
}
