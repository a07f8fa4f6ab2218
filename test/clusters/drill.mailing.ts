import type { ReceivedMessage } from '../support/network/received-message.js';

/** One of the two mailings of a drill: its list, and when the mail server got its messages. */
export class DrillMailing {
  id = '';
  #lastAt = performance.now();
  #longestGapMs = 0;
  /** Start of the longest gap so far. */
  #gapAt = performance.now();
  #received = 0;
  #isOver = false;

  constructor(
    readonly name: 'batched' | 'single',
    readonly numRecipients: number,
  ) {}

  get addresses(): string[] {
    return Array.from({ length: this.numRecipients }, (_, n) => `${this.name}${n}@home.example`);
  }

  get received(): number {
    return this.#received;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The longest time without a message before its end, and the start of that time by `performance.now()`. */
  get longestGap(): { ms: number; at: number } {
    const running = this.#isOver ? 0 : performance.now() - this.#lastAt;
    if (running > this.#longestGapMs) return { ms: running, at: this.#lastAt };
    return { ms: this.#longestGapMs, at: this.#gapAt };
  }

  /** Its newsletter, as a request to the service. */
  get form(): FormData {
    const form = new FormData();
    const fields = {
      subject: 'Hello {{name}}',
      from: 'The Shop <news@shop.example>',
      headline: 'News',
      text: 'There is some.',
      batched: String(this.name === 'batched'),
    };
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    const lines = this.addresses.map((address, n) => `${address},Reader ${n}\n`);
    form.set('recipients', new Blob(['email,name\n', ...lines], { type: 'text/csv' }), 'recipients.csv');
    return form;
  }

  begin(id: string): void {
    this.id = id;
  }

  isOf({ to }: Pick<ReceivedMessage, 'to'>): boolean {
    return to[0].startsWith(this.name);
  }

  /** One of its messages was received. */
  note(): void {
    this.#received++;
    this.#noteTime();
  }

  /** The time since its last message is no gap: it could not go on. */
  excuse(): void {
    this.#lastAt = performance.now();
  }

  end(): void {
    if (this.#isOver) return;
    this.#noteTime();
    this.#isOver = true;
  }

  #noteTime(): void {
    const now = performance.now();
    if (now - this.#lastAt > this.#longestGapMs)
      [this.#longestGapMs, this.#gapAt] = [now - this.#lastAt, this.#lastAt];
    this.#lastAt = now;
  }
}
