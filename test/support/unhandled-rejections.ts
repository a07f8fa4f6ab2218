/** Collects unhandled rejections of this process while it is in use. In a host's process the first one would end the process. */
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
