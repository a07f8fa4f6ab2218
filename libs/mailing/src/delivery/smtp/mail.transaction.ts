import { classifyFailure } from '../transport/classify-failure.js';
import type { HandOver } from '../../model/ports/email-message.sender.js';
import type { Reach } from '../transport/reach.js';
import { toWire } from '../mime/wire-text.js';
import type { WireContent } from '../mime/wire-content.js';
import type { QueuedMessage } from './queued-message.js';
import type { Reply } from './reply.parser.js';
import type { SmtpFeatures } from './smtp.connector.js';
import { errorOf, type SmtpError, type SmtpStep } from './smtp.errors.js';

type TransactionStep = Exclude<SmtpStep, 'RSET'>;
/** The steps that are commands; `BODY` is what follows the reply to DATA. */
type Command = Exclude<TransactionStep, 'BODY'>;

/**
 * What follows a reply: nothing yet; the next command; the body; the final dot without a body; the end, refused or answered; the end of the whole
 * session, because the message was abandoned or the dialogue is out of step.
 */
export type Next =
  'wait' | 'RCPT TO' | 'DATA' | 'body' | 'dot' | 'refused' | 'answered' | 'give up' | 'out of step';

/**
 * The mail transaction of one message (RFC 5321 section 3.3): what it says, and what the server's replies mean for it. It sends nothing itself.
 *
 * *Invariant: a body is sent only after the server has accepted the recipient and has said 354.* Some servers say 354 although no
 * recipient is left; they get the final dot alone, as RFC 2920 asks. With copies to other addresses that dot would send an empty
 * message, so a message with several recipients sends DATA only when all of them are answered.
 *
 * Evidence of hand-over: `reach` becomes `body` before the first byte of a body is written, and never goes back.
 */
export class MailTransaction {
  readonly content: WireContent;
  reach: Reach = 'session';
  isEnvelopeOut = false;
  /** Its time is over: it is answered, and its body must not be sent. */
  isAbandoned = false;
  #isAnswered = false;
  /** The server accepted its own recipient, the first of `to`. */
  #isWelcome = false;
  /** Why the server refused its own recipient or the whole message. */
  #refusal: SmtpError | null = null;

  /** @throws what `contentFor` throws. */
  constructor(
    readonly queued: QueuedMessage,
    private readonly features: SmtpFeatures,
  ) {
    this.content = queued.contentFor(features);
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** Whether another session may send it: the server has neither refused it nor got a byte of its body. */
  get mayPass(): boolean {
    return this.reach !== 'body' && this.#refusal === null && !this.queued.isSecondTry;
  }

  /** DATA may be written with the commands before it. */
  get sendsDataAhead(): boolean {
    return this.features.pipelining && this.queued.to.length === 1;
  }

  /** @param at index in `to`, for `RCPT TO`. */
  command(step: Command, at = 0): string {
    const { needsUtf8 } = this.queued;
    const line = `${step}${this.#argument(step, at)}\r\n`;
    return needsUtf8 ? toWire(line) : line;
  }

  /** Takes the reply to a step. A reply to a body that was sent is the answer to the message. */
  onReply(step: TransactionStep, at: number, reply: Reply): Next {
    switch (step) {
      case 'MAIL FROM':
        return this.#afterMail(reply);
      case 'RCPT TO':
        return this.#afterRecipient(at, reply);
      case 'DATA':
        return this.#afterData(reply);
      case 'BODY':
        return this.#afterBody(reply);
    }
  }

  /** Only the first answer counts. */
  answer(handOver: HandOver): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.queued.answer(handOver);
  }

  /** It ends by the refusal that the server gave, or else by this error. */
  fail(error: SmtpError | null = null): void {
    this.answer(classifyFailure(this.#refusal ?? error, this.reach));
  }

  #argument(step: Command, at: number): string {
    const { from, to, needsUtf8 } = this.queued;
    if (step === 'DATA') return '';
    if (step === 'RCPT TO') return `:<${to[at]}>`;
    const eightBit = this.content.is8Bit && this.features.eightBit;
    return `:<${from}>${eightBit ? ' BODY=8BITMIME' : ''}${needsUtf8 ? ' SMTPUTF8' : ''}`;
  }

  #afterMail(reply: Reply): Next {
    if (reply.status >= 300) this.#refusal = errorOf(reply, 'MAIL FROM');
    if (this.features.pipelining) return 'wait';
    return this.#refusal ? 'refused' : 'RCPT TO';
  }

  #afterRecipient(at: number, reply: Reply): Next {
    const { pipelining } = this.features;
    if (at === 0 && reply.status >= 300) this.#refusal ??= errorOf(reply, 'RCPT TO');
    if (at === 0 && reply.status < 300) this.#isWelcome = true;
    const isLast = at === this.queued.to.length - 1;
    if (!pipelining && !isLast && !this.#refusal) return 'RCPT TO';
    if (pipelining && (!isLast || this.sendsDataAhead)) return 'wait';
    return this.#refusal || this.isAbandoned ? 'refused' : 'DATA';
  }

  #afterData(reply: Reply): Next {
    // A further reply might be matched to the wrong command.
    if (reply.status < 354 || (reply.status === 354 && this.#refusal && this.#isWelcome))
      return 'out of step';
    if (reply.status !== 354) {
      this.#refusal ??= errorOf(reply, 'DATA');
      return 'refused';
    }
    if (this.isAbandoned) return 'give up';
    return this.#refusal ? 'dot' : 'body';
  }

  #afterBody(reply: Reply): Next {
    // The final dot alone was sent.
    if (this.#refusal) return 'refused';
    const isTaken = reply.status >= 200 && reply.status < 300;
    this.answer(isTaken ? { kind: 'accepted' } : classifyFailure(errorOf(reply, 'DATA'), 'body'));
    return 'answered';
  }
}
