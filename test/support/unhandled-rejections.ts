/** Rejections of this process that nothing has handled, while it is in use; in a host's process the first would be the end. */
export class UnhandledRejections implements Disposable {
  readonly reasons: unknown[] = [];
  readonly #note = (reason: unknown): void => void this.reasons.push(reason);

  constructor() {
    process.on('unhandledRejection', this.#note);
  }

  [Symbol.dispose](): void {
    process.off('unhandledRejection', this.#note);
  }
}
