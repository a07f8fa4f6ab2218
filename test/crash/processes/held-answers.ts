import type { SmtpAnswer, SmtpHook, SmtpStep } from '../../support/network/smtp-step.js';

/** Holds back answers of a mail server that has received the messages. */
export class HeldAnswers {
  /** Recipients of the held messages, past ones too, in order of arrival. */
  readonly recipients: string[] = [];
  #isOver = false;
  #release: (answer: SmtpHook) => void = () => undefined;
  readonly #released = new Promise<SmtpHook>((resolve) => (this.#release = resolve));

  /** @param isHeld asked for every message whose final dot has arrived. */
  constructor(private readonly isHeld: (step: SmtpStep) => boolean) {}

  /** The inbox's hook must call it at every step. */
  async at(step: SmtpStep): Promise<SmtpAnswer> {
    if (this.#isOver || step.command !== 'END' || !this.isHeld(step)) return undefined;
    this.recipients.push(step.to[0]);
    const answer = await this.#released;
    return answer(step);
  }

  /**
   * Sends the held answers, and holds back none any more.
   *
   * @param answer to each held message; default: accepted.
   */
  release(answer: SmtpHook = () => undefined): void {
    this.#isOver = true;
    this.#release(answer);
  }
}
