import type { SmtpAnswer, SmtpHook, SmtpStep } from '../../support/network/smtp-step.js';

/** Answers that a mail server holds back: it has the messages, and their senders wait for a word. */
export class HeldAnswers {
  /** Whose messages wait, or waited, in order of arrival. */
  readonly recipients: string[] = [];
  #isOver = false;
  #release: (answer: SmtpHook) => void = () => undefined;
  readonly #released = new Promise<SmtpHook>((resolve) => (this.#release = resolve));

  /** @param isHeld asked for every message whose final dot has arrived. */
  constructor(private readonly isHeld: (step: SmtpStep) => boolean) {}

  /** To be called by the inbox's hook at every step. */
  async at(step: SmtpStep): Promise<SmtpAnswer> {
    if (this.#isOver || step.command !== 'END' || !this.isHeld(step)) return undefined;
    this.recipients.push(step.to[0]);
    const answer = await this.#released;
    return answer(step);
  }

  /**
   * Gives the answers, and holds back none any more.
   *
   * @param answer to each that waits; default: its message is taken.
   */
  release(answer: SmtpHook = () => undefined): void {
    this.#isOver = true;
    this.#release(answer);
  }
}
