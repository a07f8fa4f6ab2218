import { type Bar, Presets, SingleBar } from 'cli-progress';
import type { Verdict } from './verdict.js';

/** What the user sees: on stderr, so that stdout stays free for `--json`. */
export class DemoView {
  readonly #bar: SingleBar;

  constructor() {
    this.#bar = new SingleBar(
      {
        format: '  {bar} {value} of {total} received, {duration_formatted}',
        hideCursor: true,
        clearOnComplete: true,
        noTTYOutput: false,
        stream: process.stderr,
      },
      Presets.shades_classic,
    );
  }

  start(total: number): void {
    this.#bar.start(total, 0);
  }

  progress(done: number): void {
    this.#bar.update(done);
  }

  end(): void {
    this.#bar.stop();
  }

  /** One line above the bar. */
  line(text: string): void {
    // cli-progress knows no lines beside its bar: clear its line, write ours, and let the next update draw it again.
    if ((this.#bar as Bar & { isActive: boolean }).isActive && process.stderr.isTTY)
      process.stderr.write('\r\x1b[K');
    process.stderr.write(`${text}\n`);
  }

  table(verdict: Verdict, held: boolean, places: Record<string, string>): void {
    const rows: [string, string | number | null][] = [
      ['recipients', verdict.recipients],
      ['kills', verdict.kills],
      ['received', verdict.received ?? 'unknown'],
      ['duplicates', verdict.duplicates ?? 'unknown'],
      ['missing', verdict.missing],
      ['in doubt', verdict.inDoubt],
      ['sent / errors / skipped', `${verdict.numSent} / ${verdict.numErrors} / ${verdict.numSkipped}`],
      ['status', verdict.status],
      ['seconds', verdict.seconds],
      ...Object.entries(places),
    ];
    const width = Math.max(...rows.map(([name]) => name.length));
    const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
    const judgement = held ? 'The promise held.' : 'THE PROMISE WAS BROKEN.';
    process.stderr.write(`\n${lines.join('\n')}\n\n${judgement}\n`);
  }
}
