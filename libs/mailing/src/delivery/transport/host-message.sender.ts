import { askHost, HostAnswerError } from '../../model/host-calls/host-call.js';
import type {
  Begin,
  EmailMessage,
  EmailMessageSender,
  HandOver,
  PreparedSender,
} from '../../model/ports/email-message.sender.js';
import { toPublicText } from '../../model/values/public-text.js';
import { kindOf } from '../../model/values/value-kind.js';

const SEND = 'EmailMessageSender.send';

export interface HostMessageSenderTerms {
  /** How long its `prepare` may take. */
  timeoutMs: number;
  /** Reports a fault that no recipient can be blamed for. */
  reportError: (error: unknown) => void;
}

/** The host's message sender, which may be in any module and is found only once the application is assembled. */
export class HostMessageSender implements PreparedSender {
  #host: EmailMessageSender | null = null;
  #callsBegin = false;

  constructor(private readonly terms: HostMessageSenderTerms) {}

  /**
   * Called once, while the module is initialized.
   *
   * @throws HostAnswerError if it is no message sender; HostSilentError if its `prepare` does not answer in time; what that throws.
   */
  async use(host: EmailMessageSender): Promise<void> {
    for (const name of ['send', 'probe'] as const)
      if (typeof host?.[name] !== 'function')
        throw new HostAnswerError('messageSender', `a message sender with a function ${name}`, kindOf(host));
    const { timeoutMs } = this.terms;
    await askHost({ call: 'EmailMessageSender.prepare', timeoutMs }, () => host.prepare?.());
    this.#host = host;
    this.#callsBegin = host.callsBegin === true;
  }

  prepare(): void {}

  /** False after a message left without `begin`: from then on each message counts as begun when `send` is called. */
  get callsBegin(): boolean {
    return this.#callsBegin;
  }

  send(message: EmailMessage, signal: AbortSignal, begin?: Begin): Promise<HandOver> {
    const host = this.#host as EmailMessageSender;
    return begin
      ? this.#watch(host, message, signal, begin)
      : host.send(message, signal, () => () => undefined);
  }

  /** @throws HostAnswerError if it answers neither null nor a text; what it throws. */
  async probe(): Promise<string | null> {
    const answer: unknown = await this.#host?.probe();
    if (answer === null) return null;
    if (typeof answer === 'string') return toPublicText(answer);
    throw new HostAnswerError('EmailMessageSender.probe', 'null or a text', kindOf(answer));
  }

  /** A journal that does not have a message lets it be sent again after a crash, so a sender that forgets `begin` is not believed twice. */
  async #watch(
    host: EmailMessageSender,
    message: EmailMessage,
    signal: AbortSignal,
    begin: Begin,
  ): Promise<HandOver> {
    let hasBegun = false;
    const noting: Begin = () => {
      const confirm = begin();
      return () => {
        confirm();
        hasBegun = true;
      };
    };
    const answer = await host.send(message, signal, noting);
    const mayHaveLeft = answer?.kind === 'accepted' || answer?.kind === 'unknown';
    if (mayHaveLeft && !hasBegun && this.#callsBegin) {
      this.#callsBegin = false;
      const expected = 'begin to be called before a message leaves, as callsBegin says';
      this.terms.reportError(new HostAnswerError(SEND, expected, `the answer ${answer.kind} without it`));
    }
    return answer;
  }
}
