import type { MailingResult } from '../model/mailing-handle.js';
import { UnknownOrderError } from '../model/order.errors.js';
import { InvalidFieldError } from '../model/refusal.errors.js';
import type { RecipientRecord } from '../model/recipient.js';
import { RECIPIENT_TRANSITIONS, type RecipientStatus } from '../model/recipient-status.js';
import type { MailingReader } from '../store/mailing.reader.js';

const MOST_AT_A_TIME = 10_000;

/** Which recipients of a mailing are asked for. */
export interface RecipientFilter {
  /** Default: all. */
  status?: RecipientStatus;
  /** Those behind this place in the mailing: the `idx` of the last one of the page before. Default: from the first on. */
  afterIdx?: number;
  /** Default: 1,000. Bounds: 1 to 10,000. */
  limit?: number;
}

/** Reads how mailings stand. */
export class MailingQuery {
  constructor(private readonly reader: MailingReader) {}

  /**
   * Status and counts of one mailing, as the database knows them at this moment.
   *
   * @returns null if there is no such mailing.
   *
   * @example
   * ```ts
   * const mailing = await query.get(mailingId);
   * console.log(`${mailing?.status}: ${mailing?.numSent} of ${mailing?.numProfiles}`);
   * ```
   */
  get(mailingId: string): Promise<MailingResult | null> {
    return this.reader.result(mailingId);
  }

  /**
   * What became of the recipients of a mailing, one page, in order of sending; no pages follow an empty one.
   *
   * @throws UnknownOrderError if the state is not one of a recipient; InvalidFieldError if the page is out of its bounds.
   *
   * @example
   * ```ts
   * for (const { email, userId, errorText } of await query.recipients(mailingId, { status: 'in_doubt' })) {
   *   console.log(`${email ?? userId}: ${errorText}`);
   * }
   * ```
   */
  async recipients(mailingId: string, filter: RecipientFilter = {}): Promise<RecipientRecord[]> {
    const { status, afterIdx = -1, limit = 1_000 } = filter;
    const states = Object.keys(RECIPIENT_TRANSITIONS);
    if (status !== undefined && !states.includes(status)) {
      throw new UnknownOrderError('recipients: status', states, status);
    }
    if (!Number.isInteger(limit) || limit < 1 || limit > MOST_AT_A_TIME) {
      const expected = `a whole number from 1 to ${MOST_AT_A_TIME}`;
      throw new InvalidFieldError('limit', expected, limit, 'options');
    }
    return this.reader.recipients(mailingId, { status: status ?? null, afterIdx, limit });
  }
}
