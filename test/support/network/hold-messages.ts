import type { SmtpInbox } from './smtp-inbox.js';

/**
 * Keeps a mailing in progress, however fast it is: the mail server answers no message after this number. It has received those
 * that wait for its answer.
 *
 * @returns a function that ends this.
 */
export function holdMessagesAfter(inbox: SmtpInbox, numMessages: number): () => void {
  const { answer } = inbox;
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  inbox.answer = async (step) => {
    if (step.command === 'END' && inbox.messages.length > numMessages) await released;
    return answer?.(step);
  };
  return release;
}
