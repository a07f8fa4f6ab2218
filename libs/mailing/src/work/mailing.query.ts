import { InvalidArgumentError } from '../model/errors/argument.errors.js';
import {
  checkFilter,
  checkMailingId,
  checkText,
  checkWholeNumber,
  MAX_IDX,
} from '../model/errors/argument.check.js';
import type { ExecutionResult } from '../model/reports/execution-result.js';
import type { MailingResult } from '../model/reports/mailing-handle.js';
import type { MailingFilter, MailingOverview, ReasonCount } from '../model/reports/mailing-overview.js';
import { MAILING_TRANSITIONS, type MailingStatus } from '../model/states/mailing-status.js';
import type { RecipientRecord } from '../model/mail/recipient.js';
import { RECIPIENT_TRANSITIONS, type RecipientStatus } from '../model/states/recipient-status.js';
import type { MailingReader } from '../store/queries/mailing.reader.js';

const MAX_AT_A_TIME = 10_000;
const MAX_MAILINGS = 1_000;
const MAX_EXECUTION_ID_LENGTH = 255;

/** Selects recipients of a mailing. */
export interface RecipientFilter {
  /** Default: all. */
  status?: RecipientStatus;
  /** Only recipients with a larger `idx`: pass the `idx` of the last one on the page before. Default: from the first on. */
  afterIdx?: number;
  /** Default: 1,000. Bounds: 1 to 10,000. */
  limit?: number;
}

/** Reads the state of mailings. */
export class MailingQuery {
  constructor(private readonly reader: MailingReader) {}

  /**
   * Status and counts of one mailing, as they are in the database now.
   *
   * @returns null if there is no such mailing.
   * @throws InvalidArgumentError if the id is not a valid one.
   *
   * @example
   * ```ts
   * const mailing = await query.get(mailingId);
   * console.log(`${mailing?.status}: ${mailing?.numSent} of ${mailing?.numProfiles}`);
   * ```
   */
  async get(mailingId: string): Promise<MailingResult | null> {
    checkMailingId('get: mailingId', mailingId);
    return this.reader.result(mailingId);
  }

  /**
   * All mailings with one `batchExecId`, summed up: those of one event of a scenario, or of any group to which the host gave one id.
   *
   * @returns null if there is none.
   * @throws InvalidArgumentError if the id is not a valid one.
   *
   * @example
   * ```ts
   * const execution = await query.byExecution('Orders:receipt:4711');
   * console.log(`${execution?.numSent} of ${execution?.numProfiles}, in ${execution?.numMailings} mailings`);
   * ```
   */
  async byExecution(batchExecId: string): Promise<ExecutionResult | null> {
    checkText('byExecution: batchExecId', batchExecId, MAX_EXECUTION_ID_LENGTH);
    return this.reader.execution(batchExecId);
  }

  /**
   * The recipients of a mailing and their outcomes, one page, in order of sending. An empty page is the last one.
   *
   * @throws InvalidArgumentError if the status is not one of a recipient, the id is not a valid one, or the page is out of its bounds.
   *
   * @example
   * ```ts
   * for (const { email, userId, errorText } of await query.recipients(mailingId, { status: 'in_doubt' })) {
   *   console.log(`${email ?? userId}: ${errorText}`);
   * }
   * ```
   */
  async recipients(mailingId: string, filter: RecipientFilter = {}): Promise<RecipientRecord[]> {
    checkMailingId('recipients: mailingId', mailingId);
    checkFilter('recipients: filter', filter);
    const { status, afterIdx = -1, limit = 1_000 } = filter;
    checkWholeNumber('recipients: afterIdx', afterIdx, -1, MAX_IDX);
    checkPage('recipients', Object.keys(RECIPIENT_TRANSITIONS), status, limit, MAX_AT_A_TIME);
    return this.reader.recipients(mailingId, { status: status ?? null, afterIdx, limit });
  }

  /**
   * Counts the recipients of a mailing by outcome and reason, the most frequent first. It reads the whole list, so it takes about a second for a
   * million recipients; don't call it from a page that refreshes every second.
   *
   * @returns empty if there is no such mailing.
   * @throws InvalidArgumentError if the id is not a valid one.
   *
   * @example
   * ```ts
   * for (const { status, code, count } of await query.reasons(mailingId)) console.log(status, code, count);
   * ```
   */
  async reasons(mailingId: string): Promise<ReasonCount[]> {
    checkMailingId('reasons: mailingId', mailingId);
    return this.reader.reasons(mailingId);
  }

  /**
   * Mailings, one page, the newest first. An empty page is the last one.
   *
   * @throws InvalidArgumentError if the status is not one of a mailing, or the page is out of its bounds.
   *
   * @example
   * ```ts
   * const paused = await query.list({ status: 'paused', limit: 20 });
   * const next = await query.list({ status: 'paused', limit: 20, beforeId: paused.at(-1)?.mailingId });
   * ```
   */
  async list(filter: MailingFilter = {}): Promise<MailingOverview[]> {
    checkFilter('list: filter', filter);
    const { status, beforeId, limit = 100 } = filter;
    if (beforeId !== undefined && beforeId !== null) checkMailingId('list: beforeId', beforeId);
    checkPage('list', Object.keys(MAILING_TRANSITIONS), status, limit, MAX_MAILINGS);
    return this.reader.list({ status: status ?? null, beforeId: beforeId ?? null, limit });
  }

  /**
   * How many mailings are in each state, with 0 where there is none.
   *
   * @example
   * ```ts
   * const { paused, in_progress } = await query.countsByStatus();
   * ```
   */
  async countsByStatus(): Promise<Record<MailingStatus, number>> {
    const counts = await this.reader.countsByStatus();
    const states = Object.keys(MAILING_TRANSITIONS) as MailingStatus[];
    return Object.fromEntries(states.map((status) => [status, counts.get(status) ?? 0])) as Record<
      MailingStatus,
      number
    >;
  }
}

function checkPage(
  call: string,
  states: string[],
  status: string | undefined,
  limit: number,
  most: number,
): void {
  if (status !== undefined && !states.includes(status)) {
    throw new InvalidArgumentError(`${call}: status`, states.join(' or '), status);
  }
  checkWholeNumber(`${call}: limit`, limit, 1, most);
}
