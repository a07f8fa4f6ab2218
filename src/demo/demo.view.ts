import type { Bars } from './demo.bars.js';
import type { Verdict } from './verdict.js';

/** The output for the user: on stderr, so that stdout stays free for `--json`. */
export class DemoView {
  constructor(private readonly bars: Bars) {}

  start(total: number): void {
    this.bars.start(total);
  }

  progress(done: number): void {
    this.bars.progress(done);
  }

  end(): void {
    this.bars.end();
  }

  /** Prints one line above the bars. */
  line(text: string): void {
    this.bars.line(text);
  }

  table(verdict: Verdict, held: boolean, places: Record<string, string>): void {
    const { servers } = verdict;
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
    const shares: typeof rows = servers.map(({ id, sent, kills }) => [
      id,
      `${sent ?? 'unknown'} sent, ${kills} ${kills === 1 ? 'kill' : 'kills'}`,
    ]);
    if (servers.length > 1) rows.push(...shares);
    const width = Math.max(...rows.map(([name]) => name.length));
    const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
    const judgement = held ? 'The promise held.' : 'THE PROMISE WAS BROKEN.';
    process.stderr.write(`\n${lines.join('\n')}\n\n${judgement}\n`);
  }
}
