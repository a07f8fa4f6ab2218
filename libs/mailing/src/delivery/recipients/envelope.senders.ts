import { bareAddress } from '../../model/addresses/email-address.js';
import { HostAnswerError, takeFromHost } from '../../model/host-calls/host-call.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type { EnvelopeFrom } from '../../model/options/host-made.options.js';
import { kindOf } from '../../model/values/value-kind.js';

const CALL = 'envelopeFrom';
const EXPECTED = 'one address without a name, or null';

/** Asks the host for the envelope sender of each message of one mailing. */
export class EnvelopeSenders {
  private constructor(
    private readonly mailingId: string | null,
    private readonly ask: EnvelopeFrom,
  ) {}

  /** @returns null if no function is to be asked: an address of the mailing itself wins, because it was said for this one. */
  static of(
    ask: EnvelopeFrom | null,
    mailingId: string | null,
    { envelopeFrom }: TemplateEmailInfo,
  ): EnvelopeSenders | null {
    return ask && envelopeFrom === undefined ? new EnvelopeSenders(mailingId, ask) : null;
  }

  /** @throws what the function throws; HostAnswerError if it returns no address, or a promise. */
  senderFor(idx: number, email: string, userId?: string): string | undefined {
    const { mailingId } = this;
    const answer: unknown = takeFromHost(
      () => this.ask({ mailingId, idx, email, userId }),
      (promise) => new HostAnswerError(CALL, EXPECTED, kindOf(promise)),
    );
    if (answer === null) return undefined;
    const address = bareAddress(answer);
    if (address === null) throw new HostAnswerError(CALL, EXPECTED, kindOf(answer));
    return address;
  }
}
