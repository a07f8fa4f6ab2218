import { createHash } from 'node:crypto';
import { HostAnswerError } from '../../model/host-calls/host-call.js';
import type { EmailMessage, EmailMessageSender, HandOver } from '../../model/ports/email-message.sender.js';
import { kindOf } from '../../model/values/value-kind.js';
import { classifyApiFailure } from './classify-api-failure.js';

/** How one message is to be sent. */
export interface EmailApiCall {
  /**
   * A UUID, the same in each attempt at this recipient of the mailing, also after a crash and on another server; no other message has it. An API that
   * takes it discards a second request for the same message.
   */
  idempotencyKey: string;
  /** Aborts after `run.messageTimeoutMs`, or when the process has no more time. */
  signal: AbortSignal;
}

/** The API of a provider, as a host calls it. */
export interface EmailApi {
  /**
   * Sends one message by one request, and repeats none by itself. Resolves, with whatever value, once the API has accepted the message.
   *
   * @param message change nothing in it: messages share parts of it.
   * @throws ApiSendError for an answer that is no acceptance; the error of the client where there was no answer.
   */
  send(message: EmailMessage, call: EmailApiCall): Promise<unknown>;

  /**
   * Asks, during an outage, whether messages would be taken now. Default: the next message tells.
   *
   * @returns null if they would, else why not, in one line.
   */
  probe?(): Promise<string | null>;
}

/** RFC 9562 section 6.6: names that are URLs. */
const URL_NAMES = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex');

/**
 * Sends by the API of a provider: what a host writes is one request. Each message carries an idempotency key, so that a message whose answer
 * got lost can be sent again (`inDoubt: 'resend'`) without a second copy, as long as the API remembers the key.
 *
 * @example
 * ```ts
 * @Injectable()
 * class PostSender extends ApiMessageSender {
 *   constructor() {
 *     super({
 *       send: async ({ from, to, subject, html, text }, { idempotencyKey, signal }) => {
 *         const response = await fetch('https://api.post.example/emails', {
 *           method: 'POST',
 *           headers: { 'Content-Type': 'application/json', 'Idempotency-Key': idempotencyKey },
 *           body: JSON.stringify({ from: from.address, to: to.address, subject, html, text }),
 *           signal,
 *         });
 *         if (!response.ok) throw await ApiSendError.from(response);
 *       },
 *     });
 *   }
 * }
 *
 * MailingModule.forRoot({ templates: { dir }, messageSender: PostSender, inDoubt: 'resend' });
 * ```
 */
export class ApiMessageSender implements EmailMessageSender {
  /** @throws HostAnswerError if the API has no function `send`. */
  constructor(private readonly api: EmailApi) {
    if (typeof api?.send !== 'function')
      throw new HostAnswerError('ApiMessageSender', 'an API with a function send', kindOf(api));
  }

  async send(message: EmailMessage, signal: AbortSignal): Promise<HandOver> {
    if (signal.aborted)
      return { kind: 'not_begun', blame: 'unclear', text: 'no time was left for the request' };
    try {
      await this.api.send(message, { idempotencyKey: toUuid(message.messageId), signal });
      return { kind: 'accepted' };
    } catch (error) {
      return classifyApiFailure(error, signal.aborted);
    }
  }

  async probe(): Promise<string | null> {
    return this.api.probe ? this.api.probe() : null;
  }
}

/**
 * UUID of version 5 (RFC 9562 section 5.5) of the message id, as a URL (RFC 2392). A UUID, because some APIs take nothing else as a key; of this
 * version, because some check for one that is older than version 6.
 */
function toUuid(messageId: string): string {
  const url = `mid:${encodeURIComponent(messageId.slice(1, -1))}`;
  const bytes = createHash('sha1').update(URL_NAMES).update(url).digest().subarray(0, 16);
  bytes[6] = (bytes[6] & 0x0f) | 0x50;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = bytes.toString('hex');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
