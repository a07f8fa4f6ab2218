import { type Bar, MultiBar, Presets, SingleBar } from 'cli-progress';

/** Shows the progress of a run, on stderr, so that stdout stays free for `--json`. */
export interface Bars {
  start(total: number): void;
  progress(done: number): void;
  /** Prints one line above the bars. */
  line(text: string): void;
  end(): void;
}

const LOOK = {
  hideCursor: true,
  clearOnComplete: true,
  noTTYOutput: false,
  stream: process.stderr,
};

/** One bar for the whole run. */
export class OneBar implements Bars {
  readonly #bar = new SingleBar(
    { ...LOOK, format: '  {bar} {value} of {total} received, {duration_formatted}' },
    Presets.shades_classic,
  );

  start(total: number): void {
    this.#bar.start(total, 0);
  }

  progress(done: number): void {
    this.#bar.update(done);
  }

  line(text: string): void {
    // cli-progress can't print lines beside its bar: clear its line, write ours, and let the next update draw it again.
    if ((this.#bar as Bar & { isActive: boolean }).isActive && process.stderr.isTTY)
      process.stderr.write('\r\x1b[K');
    process.stderr.write(`${text}\n`);
  }

  end(): void {
    this.#bar.stop();
  }
}

/** A bar for each server: the messages that the inbox got from it, out of all messages of the run. */
export class ServerBars implements Bars {
  readonly #bars = new MultiBar(
    { ...LOOK, format: '  {id}  {bar} {value} of {total}, {duration_formatted}' },
    Presets.shades_classic,
  );
  readonly #barOf = new Map<string, SingleBar>();

  constructor(
    private readonly serverIds: readonly string[],
    private readonly sentBy: ReadonlyMap<string, number>,
  ) {}

  start(total: number): void {
    for (const id of this.serverIds) this.#barOf.set(id, this.#bars.create(total, 0, { id }));
  }

  progress(): void {
    for (const [id, bar] of this.#barOf) bar.update(this.sentBy.get(id) ?? 0);
  }

  line(text: string): void {
    // The bars print their own log with the next drawing; without a terminal there is no drawing.
    if (this.#bars.isActive && process.stderr.isTTY) this.#bars.log(`${text}\n`);
    else process.stderr.write(`${text}\n`);
  }

  end(): void {
    // Draw once more, to print the last lines of the log.
    if (this.#bars.isActive && process.stderr.isTTY) this.#bars.update();
    this.#bars.stop();
  }
}
