import { type Recipient, type Recipients, UnknownRecipientsError } from '../../mailing/src/index.js';

/** One list of any length, read once and given out cut by cut, one recipient in memory at a time. */
export class RecipientCuts {
  readonly #source: Iterator<Recipient> | AsyncIterator<Recipient>;
  #next: IteratorResult<Recipient> | null = null;
  #left = 0;

  /** @throws UnknownRecipientsError if the list can't be iterated over. */
  constructor(recipients: Recipients) {
    // A text can be iterated over too, letter by letter.
    const list: unknown = typeof recipients === 'object' && recipients !== null ? recipients : {};
    if (Symbol.asyncIterator in (list as object))
      this.#source = (list as AsyncIterable<Recipient>)[Symbol.asyncIterator]();
    else if (Symbol.iterator in (list as object))
      this.#source = (list as Iterable<Recipient>)[Symbol.iterator]();
    else throw new UnknownRecipientsError(recipients);
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
