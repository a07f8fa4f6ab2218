import type {
  EmailMessage,
  EmailMessageSender,
  HandOver,
} from '../../../libs/mailing/src/model/ports/email-message.sender.js';

/** How the mail server of the model answers one message. */
export type Answer = 'accept' | 'refuse' | 'defer' | 'lose' | 'silence';

const ANSWERS: Record<Answer, HandOver> = {
  accept: { kind: 'accepted' },
  refuse: { kind: 'refused', permanent: true, code: '5.1.1', text: 'no such user' },
  defer: { kind: 'refused', permanent: false, code: '4.2.0', text: 'greylisted' },
  // The server has the message, and its answer is lost.
  lose: { kind: 'unknown', code: 'ECONNECTION', text: 'the connection broke' },
  silence: { kind: 'not_begun', blame: 'unclear', text: 'no answer in time' },
};

/** The server may have the message unless its answer says no. */
const KEEPS = new Set<Answer>(['accept', 'lose']);

interface OpenMessage {
  address: string;
  answer: (handOver: HandOver) => void;
}

/** A mail server in memory that answers on command, and counts copies that recipients may have got. */
export class ModelTransport implements EmailMessageSender {
  /** All messages that were ever begun. */
  numBegun = 0;
  /** Accepts every message at once. */
  isEasy = false;
  #open: OpenMessage[] = [];
  readonly #copies = new Map<string, number>();

  send({ to }: EmailMessage): Promise<HandOver> {
    this.numBegun++;
    this.#add(to.address, 1);
    if (this.isEasy) return Promise.resolve(ANSWERS.accept);
    return new Promise((answer) => this.#open.push({ address: to.address, answer }));
  }

  async probe(): Promise<null> {
    return null;
  }

  /** Answers the oldest pending messages. */
  answer(answer: Answer, count: number): void {
    for (const message of this.#open.splice(0, count)) {
      if (!KEEPS.has(answer)) this.#add(message.address, -1);
      message.answer(ANSWERS[answer]);
    }
  }

  /** Copies that a recipient got or may have got. A message of a dead process counts. */
  copiesOf(address: string): number {
    return this.#copies.get(address) ?? 0;
  }

  #add(address: string, change: number): void {
    this.#copies.set(address, this.copiesOf(address) + change);
  }
}
