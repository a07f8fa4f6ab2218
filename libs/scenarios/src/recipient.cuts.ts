import {
  beginReading,
  type Recipient,
  type Recipients,
  UnknownRecipientsError,
} from '../../mailing/src/index.js';

/** One list of any length, read once and given out cut by cut, one recipient in memory at a time. */
export class RecipientCuts {
  readonly #source: AsyncIterator<Recipient>;
  #next: IteratorResult<Recipient> | null = null;
  #left = 0;

  /** @throws UnknownRecipientsError if the list can't be iterated over; SourceUsedUpError. */
  constructor(recipients: Recipients) {
    // A text can be iterated over too, letter by letter.
    const given: unknown = typeof recipients === 'object' && recipients !== null ? recipients : {};
    if (!(Symbol.asyncIterator in (given as object) || Symbol.iterator in (given as object)))
      throw new UnknownRecipientsError(recipients);
    this.#source = beginReading(recipients, 'recipients')[Symbol.asyncIterator]();
  }

  /** @returns false if nobody is left. */
  async begin(size: number): Promise<boolean> {
    this.#left = size;
    return this.#hasNext();
  }

  /** Those of the cut that was begun. */
  async *recipients(): AsyncGenerator<Recipient> {
    while (this.#left > 0 && (await this.#hasNext())) yield this.#take();
  }

  /** Passes by whoever of the cut was not read, because his mailing exists already. */
  async finish(): Promise<void> {
    while (this.#left > 0 && (await this.#hasNext())) this.#take();
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #hasNext(): Promise<boolean> {
    this.#next ??= await this.#source.next();
    return this.#next.done !== true;
  }

  #take(): Recipient {
    const recipient = this.#next?.value as Recipient;
    this.#next = null;
    this.#left--;
    return recipient;
  }
}
