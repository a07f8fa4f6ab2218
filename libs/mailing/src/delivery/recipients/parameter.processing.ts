import { callHost, HostAnswerError, HostSilentError } from '../../model/host-calls/host-call.js';
import { cutText } from '../../model/values/bounded-text.js';
import { isPlainObject, kindOf } from '../../model/values/value-kind.js';
import { MAX_ERROR_TEXT } from '../../model/states/outcome.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import {
  type ParameterProcessor,
  ParameterSourceDownError,
  type ProcessedParameters,
  type RecipientParameters,
} from '../../model/ports/parameter.processor.js';
import { LookupFailedError } from './lookup-failed.error.js';
import type { Addressee, Skip } from './recipient.policy.js';

/** Name of the call, for errors and for what a run waits for. */
export const PROCESS_CALL = 'ParameterProcessor.process';

/** `error_code` of a recipient that the host's processor skips, or fails for. */
export const PARAMETER_PROCESSOR = 'parameter_processor';

export interface ParameterProcessingTerms {
  /** Recipients that the processor is asked about at a time. */
  concurrency: number;
  timeoutMs: number;
}

/** Asks the host's processor about the recipients of one mailing, each by itself: a fault costs the recipient, and an outage none of them. */
export class ParameterProcessing {
  readonly #mailing: Omit<RecipientParameters, 'idx' | 'email' | 'userId' | 'params'>;
  readonly #common: Readonly<Record<string, unknown>>;

  constructor(
    private readonly processor: ParameterProcessor,
    mailingId: string | null,
    info: TemplateEmailInfo,
    private readonly terms: ParameterProcessingTerms,
  ) {
    const { name = null, templateUrl, trackingData, params, locale } = info;
    this.#mailing = {
      mailingId,
      mailingName: name,
      templateUrl,
      trackingData: Object.freeze({ ...trackingData }),
    };
    this.#common = { ...params, ...(locale !== undefined && { locale }) };
  }

  /**
   * Changes the variables of the recipients as the processor says, or notes why they are not mailed.
   *
   * @throws LookupFailedError in an outage of the processor, the reason of `stop`. Then the whole commit is retried later.
   */
  async of(recipients: { idx: number; addressee: Addressee | Skip }[], stop?: AbortSignal): Promise<void> {
    // All workers take from one iterator: each recipient is asked about once.
    const queue = recipients.values();
    let isOver = false;
    const work = async (): Promise<void> => {
      for (const one of queue) {
        if (isOver) return;
        stop?.throwIfAborted();
        if ('skip' in one.addressee) continue;
        one.addressee = await this.#asked(one.idx, one.addressee, stop);
      }
    };
    const count = Math.min(this.terms.concurrency, recipients.length);
    try {
      await Promise.all(Array.from({ length: count }, work));
    } finally {
      isOver = true;
    }
  }

  async #asked(idx: number, addressee: Addressee, stop?: AbortSignal): Promise<Addressee | Skip> {
    const { mailbox, userId, variables } = addressee;
    const asked: RecipientParameters = {
      ...this.#mailing,
      idx,
      email: mailbox.address,
      ...(userId === undefined ? {} : { userId }),
      params: { ...this.#common, ...variables },
    };
    const call = { call: PROCESS_CALL, timeoutMs: this.terms.timeoutMs, stop };
    try {
      return processed(addressee, await callHost(call, () => this.processor.process(asked)));
    } catch (error) {
      stop?.throwIfAborted();
      if (isOutage(error)) throw new LookupFailedError('parameter processor', error);
      return { ...addressee, fault: { code: PARAMETER_PROCESSOR, error } };
    }
  }
}

/** A silent processor says nothing about the recipient, as one that says itself that it can't answer. */
function isOutage(error: unknown): boolean {
  return (
    error instanceof ParameterSourceDownError ||
    (error instanceof HostSilentError && error.call === PROCESS_CALL)
  );
}

/** @throws HostAnswerError for an answer of another type. */
function processed(addressee: Addressee, answer: ProcessedParameters): Addressee | Skip {
  if ((answer ?? null) === null) return addressee;
  const { params, skip }: { params?: unknown; skip?: unknown } = isPlainObject(answer) ? answer : {};
  if (typeof skip === 'string' && skip.trim() !== '' && params === undefined)
    return { skip: PARAMETER_PROCESSOR, text: cutText(skip, MAX_ERROR_TEXT) };
  if (!isPlainObject(params) || skip !== undefined) {
    const expected = 'nothing, { params: a plain object } or { skip: a reason }';
    const fields = `{ params: ${kindOf(params)}, skip: ${kindOf(skip)} }`;
    throw new HostAnswerError(PROCESS_CALL, expected, isPlainObject(answer) ? fields : kindOf(answer));
  }
  return { ...addressee, variables: { ...addressee.variables, ...params, ...reservedOf(addressee) } };
}

/** What no data replaces, wherever it comes from. */
function reservedOf({ mailbox, userId }: Addressee): Record<string, unknown> {
  return userId === undefined ? { email: mailbox.address } : { email: mailbox.address, userId };
}
