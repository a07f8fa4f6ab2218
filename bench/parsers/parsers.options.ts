import { RunUsageError, parseWords, wholeNumber, word } from '../../test/support/run-options.js';
import { PARSERS } from './parser.cases.js';
import { MAX_RATIO } from './parsers.measure.js';

export interface ParsersOptions {
  /** Names out of `PARSERS`. */
  parsers: string[];
  roundMs: number;
  /** A higher ratio for ten times the text is too steep. */
  maxRatio: number;
  json: boolean;
}

export const USAGE = `npm run bench:parsers -- [options]
  --only LIST           parsers (${Object.keys(PARSERS).join(',')})
  --round-ms N          how long a text is read in each of seven rounds (20)
  --max-ratio N         times the time, at most, for ten times the text; more ends with exit code 1 (${MAX_RATIO})
  --json                the last line of stdout is one JSON object`;

const OPTIONS = {
  only: word(Object.keys(PARSERS).join(',')),
  'round-ms': word('20'),
  'max-ratio': word(String(MAX_RATIO)),
  json: { type: 'boolean', default: false },
} as const;

/** @throws RunUsageError naming the option, what it should be, and what it was. */
export function parseParsersOptions(args: string[]): ParsersOptions {
  const values = parseWords(args, OPTIONS, USAGE);
  const parsers = values.only.split(',');
  const unknown = parsers.find((name) => !Object.hasOwn(PARSERS, name));
  if (unknown !== undefined)
    throw new RunUsageError(
      `--only: expected a list of ${Object.keys(PARSERS).join(', ')}, got "${values.only}".\n\n${USAGE}`,
    );
  return {
    parsers,
    roundMs: wholeNumber('round-ms', values['round-ms'], 1, 10_000, USAGE),
    maxRatio: wholeNumber('max-ratio', values['max-ratio'], 0, 100, USAGE),
    json: values.json,
  };
}
