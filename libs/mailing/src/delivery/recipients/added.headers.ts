import { HostAnswerError, takeFromHost } from '../../model/host-calls/host-call.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type { HeaderRecipient, MessageHeadersOf } from '../../model/options/host-made.options.js';
import { isPlainObject, kindOf } from '../../model/values/value-kind.js';

const CALL = 'messageHeaders';
const EXPECTED = 'an object of texts, or null';

/** Asks the host for further headers of each message of one mailing. */
export class AddedHeaders {
  readonly #mailing: Pick<HeaderRecipient, 'mailingId' | 'mailingName' | 'trackingData'>;

  private constructor(
    mailingId: string | null,
    { name, trackingData }: TemplateEmailInfo,
    private readonly ask: MessageHeadersOf,
  ) {
    this.#mailing = {
      mailingId,
      mailingName: name ?? null,
      trackingData: Object.freeze({ ...trackingData }),
    };
  }

  /** @returns null if there is no function to ask. */
  static of(
    ask: MessageHeadersOf | null,
    mailingId: string | null,
    info: TemplateEmailInfo,
  ): AddedHeaders | null {
    return ask && new AddedHeaders(mailingId, info, ask);
  }

  /** @throws what the function throws; HostAnswerError if it returns no object, or a promise. */
  headersFor(idx: number, email: string, userId?: string): Record<string, string> | undefined {
    const recipient = { ...this.#mailing, idx, email, ...(userId === undefined ? {} : { userId }) };
    const answer: unknown = takeFromHost(
      () => this.ask(recipient),
      (promise) => new HostAnswerError(CALL, EXPECTED, kindOf(promise)),
    );
    if ((answer ?? null) === null) return undefined;
    if (!isPlainObject(answer)) throw new HostAnswerError(CALL, EXPECTED, kindOf(answer));
    return answer as Record<string, string>;
  }
}
