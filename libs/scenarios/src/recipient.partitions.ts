import {
  beginReading,
  isIterable,
  type Recipient,
  type Recipients,
  SourceWatch,
  UnknownRecipientsError,
} from '../../mailing/src/index.js';

/** One list of any length, read once and split into partitions, with one recipient in memory at a time. */
export class RecipientPartitions {
  readonly #source: AsyncIterator<Recipient>;
  #next: IteratorResult<Recipient> | null = null;
  #left = 0;
  readonly #watch: SourceWatch;

  /**
   * @param timeoutMs longest wait for one recipient.
   * @throws UnknownRecipientsError if the list can't be iterated over; SourceConsumedError.
   */
  constructor(recipients: Recipients, timeoutMs: number) {
    this.#watch = new SourceWatch(timeoutMs, 'sourceTimeoutMs');
    if (!isIterable(recipients)) throw new UnknownRecipientsError(recipients);
    this.#source = beginReading(recipients, 'recipients', this.#watch)[Symbol.asyncIterator]();
  }

  /** @returns false if no recipient is left. */
  async begin(size: number): Promise<boolean> {
    this.#left = size;
    return this.#hasNext();
  }

  /** The recipients of the current partition. */
  async *recipients(): AsyncGenerator<Recipient> {
    while (this.#left > 0 && (await this.#hasNext())) yield this.#take();
  }

  /** Skips the recipients of the partition that were not read because its mailing exists already. */
  async finish(): Promise<void> {
    while (this.#left > 0 && (await this.#hasNext())) this.#take();
  }

  async close(): Promise<void> {
    this.#watch.close();
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
