import type { ReceivedMessage } from '../support/received-message.js';

/** One of the two mailings of a drill: its list, and when the mail server got its messages. */
export class DrillMailing {
  id = '';
  #lastAt = performance.now();
  #longestGapMs = 0;
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

  /** The longest time without a message while it was not over. */
  get longestGapSeconds(): number {
    const running = this.#isOver ? 0 : performance.now() - this.#lastAt;
    return Math.max(this.#longestGapMs, running) / 1_000;
  }

  get silentMs(): number {
    return this.#isOver ? 0 : performance.now() - this.#lastAt;
  }

  /** Its newsletter, as the service takes it. */
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

  end(): void {
    if (this.#isOver) return;
    this.#noteTime();
    this.#isOver = true;
  }

  #noteTime(): void {
    const now = performance.now();
    this.#longestGapMs = Math.max(this.#longestGapMs, now - this.#lastAt);
    this.#lastAt = now;
  }
}
