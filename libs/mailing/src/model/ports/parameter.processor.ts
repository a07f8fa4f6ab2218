import { MailingError } from '../errors/mailing.error.js';

/** What a parameter processor is asked about. The objects are shared: change nothing in them. */
export interface RecipientParameters {
  /** Null for a mailing that is not persisted, and in a preview. */
  mailingId: string | null;
  /** `name` of the mailing; null: it has none. */
  mailingName: string | null;
  /** As in the info of the mailing. */
  templateUrl: string;
  /** As in the info of the mailing. */
  trackingData: Readonly<Record<string, string>>;
  /** Position in the mailing. */
  idx: number;
  /** `local@domain`, the domain in ASCII. */
  email: string;
  /** Set for profiles. */
  userId?: string;
  /** What the templates would see: `params` of the mailing, and over them the recipient's own data, `name` and `email`. */
  params: Readonly<Record<string, unknown>>;
}

/** What a parameter processor answers; nothing: the recipient is mailed as it is. */
export type ProcessedParameters =
  | {
      /** Over what the templates would see, except for reserved names; a plain object. `locale` selects the language. */
      params: Record<string, unknown>;
    }
  | {
      /** Why the recipient is not mailed: a text for people, stored up to 1,000 characters. */
      skip: string;
    }
  | undefined
  | null
  // A method that returns nothing has this type.
  // oxlint-disable-next-line no-invalid-void-type
  | void;

/**
 * Code of the host that runs for each recipient just before its message is rendered. Give a class by the option `parameterProcessor`; a
 * provider of the host is used as it is, any other class is instantiated by Nest with its dependencies.
 *
 * It runs for each attempt, on whatever server sends the message, also after a restart, and in previews. Recipients that are skipped for
 * another reason are not asked about.
 *
 * @example
 * ```ts
 * class Vouchers implements ParameterProcessor {
 *   async process({ userId, params }: RecipientParameters): Promise<ProcessedParameters> {
 *     if (userId === undefined) return { skip: 'Vouchers are for customers.' };
 *     return { params: { voucher: `${String(params.campaign)}-${userId}` } };
 *   }
 * }
 * ```
 */
export interface ParameterProcessor {
  /**
   * Called for at most `run.concurrency` recipients of a run at a time, and awaited for at most `run.hostCallTimeoutMs` each.
   *
   * @throws ParameterSourceDownError if it can't answer for any recipient now. No recipient is charged: the recipients of the commit are
   * looked up again 1 s to 5 min later, and the mailing is paused after `run.transportOutageTimeoutMs`. The same holds if it does not answer
   * in time. Whatever else it throws, or returns of another type, ends this recipient as `error: parameter_processor`.
   */
  process(recipient: RecipientParameters): ProcessedParameters | PromiseLike<ProcessedParameters>;
}

/**
 * A `ParameterProcessor` can't answer now, whichever recipient it is asked about: a service or a database of the host is out of reach. For
 * processors to throw.
 *
 * @nextStep Make what the reason names answer; the plugin then asks again by itself, or after `resume` if the mailing was paused.
 *
 * @example
 * ```ts
 * const down = new ParameterSourceDownError('the voucher service answers 503');
 * ```
 */
export class ParameterSourceDownError extends MailingError {
  readonly code = 'MAILING_PARAMETER_SOURCE_DOWN';

  /** @param reason in a few words, without secrets and addresses: it becomes part of `statusReason`. */
  constructor(
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`The parameter processor can't answer: ${reason}. Make it answer again.`, options);
  }
}
