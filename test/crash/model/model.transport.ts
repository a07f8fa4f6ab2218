import type {
  EmailMessage,
  EmailMessageSender,
  HandOver,
} from '../../../libs/mailing/src/delivery/transport/email-message.sender.js';

/** How the mail server of the model answers one message. */
export type Answer = 'accept' | 'refuse' | 'defer' | 'lose' | 'silence';

const ANSWERS: Record<Answer, HandOver> = {
  accept: { kind: 'accepted' },
  refuse: { kind: 'refused', permanent: true, code: '5.1.1', text: 'no such user' },
  defer: { kind: 'refused', permanent: false, code: '4.2.0', text: 'greylisted' },
  // It has the message, and its answer is lost.
  lose: { kind: 'unknown', code: 'ECONNECTION', text: 'the connection broke' },
  silence: { kind: 'not_begun', blame: 'unclear', text: 'no answer in time' },
};

/** It may have the message unless it said that it has not. */
const KEEPS = new Set<Answer>(['accept', 'lose']);

interface OpenMessage {
  address: string;
  answer: (handOver: HandOver) => void;
}

/** A mail server in memory that answers when it is told to, and remembers who may have got a copy. */
export class ModelTransport implements EmailMessageSender {
  /** Messages that were begun, ever. */
  numBegun = 0;
  /** Answers everything at once, and takes it. */
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

  /** Answers the oldest messages that wait. */
  answer(answer: Answer, count: number): void {
    for (const message of this.#open.splice(0, count)) {
      if (!KEEPS.has(answer)) this.#add(message.address, -1);
      message.answer(ANSWERS[answer]);
    }
  }

  /** Copies that somebody got, or may have got. A message nobody waits for any more counts. */
  copiesOf(address: string): number {
    return this.#copies.get(address) ?? 0;
  }

  #add(address: string, change: number): void {
    this.#copies.set(address, this.copiesOf(address) + change);
  }
}
