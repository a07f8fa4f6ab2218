import { BenchUsageError, parseWords, wholeNumber, word } from './bench-options.js';
import { CONTENDERS } from './speed.contenders.js';

export interface SpeedOptions {
  /** Names of contenders, in the order of their turns. */
  contenders: string[];
  rounds: number;
  /** Of each contender in each round. */
  recipients: number;
  smtpConnections: number;
  maxInDoubt: number;
  json: boolean;
}

export const USAGE = `npm run bench -- [options]
  --contenders LIST     who takes part, in the order of their turns (${Object.keys(CONTENDERS).join(',')})
  --rounds N            turns of each (5)
  --recipients N        of each in each round (20000)
  --connections N       to the mail server, for each (20)
  --max-in-doubt N      recipients marked ahead by the plugin (100)
  --json                the last line of stdout is one JSON object`;

/** As they come from the command line. */
const OPTIONS = {
  contenders: word(Object.keys(CONTENDERS).join(',')),
  rounds: word('5'),
  recipients: word('20000'),
  connections: word('20'),
  'max-in-doubt': word('100'),
  json: { type: 'boolean', default: false },
} as const;

/** @throws BenchUsageError naming the option, what it should be, and what it was. */
export function parseSpeedOptions(args: string[]): SpeedOptions {
  const values = parseWords(args, OPTIONS, USAGE);
  const whole = (option: keyof typeof values, low: number, high: number): number =>
    wholeNumber(option, String(values[option]), low, high, USAGE);
  const contenders = values.contenders.split(',');
  const stranger = contenders.find((one) => !Object.hasOwn(CONTENDERS, one));
  if (stranger !== undefined) {
    const known = Object.keys(CONTENDERS).join(', ');
    throw new BenchUsageError(`--contenders: expected names out of ${known}, got "${stranger}".\n\n${USAGE}`);
  }
  const connections = whole('connections', 1, 500);
  return {
    contenders,
    rounds: whole('rounds', 1, 1_000),
    recipients: whole('recipients', 1, 10_000_000),
    smtpConnections: connections,
    // The plugin keeps twice the connections in flight, and marks no fewer.
    maxInDoubt: whole('max-in-doubt', 2 * connections, 10_000),
    json: values.json,
  };
}
