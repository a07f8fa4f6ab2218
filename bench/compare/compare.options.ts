import { RunUsageError, parseWords, wholeNumber, word } from '../../test/support/run-options.js';

export interface CompareOptions {
  stored: string;
  /** A file, or `-` for stdin. */
  fresh: string;
  /** A share. */
  threshold: number;
  store: boolean;
}

export const USAGE = `npm run bench:compare -- [options]
  --stored FILE         the last figures (bench/figures.json)
  --fresh FILE          what npm run bench -- --json has written; its last line counts (stdin)
  --percent N           from how much worse on it is a regression (15)
  --store               the fresh figures become the stored ones, better or worse; not those of a part of the bench
Exit code: 0, or 1 if something has become worse, or 2 if it could not be compared or stored.`;

const OPTIONS = {
  stored: word('bench/figures.json'),
  fresh: word('-'),
  percent: word('15'),
  store: { type: 'boolean', default: false },
} as const;

/** @throws RunUsageError naming the option, what it should be, and what it was. */
export function parseCompareOptions(args: string[]): CompareOptions {
  const { stored, fresh, percent, store } = parseWords(args, OPTIONS, USAGE);
  for (const [option, file] of Object.entries({ stored, fresh })) {
    if (file === '') throw new RunUsageError(`--${option}: expected a file, got "".\n\n${USAGE}`);
  }
  return { stored, fresh, threshold: wholeNumber('percent', percent, 1, 1_000, USAGE) / 100, store };
}
