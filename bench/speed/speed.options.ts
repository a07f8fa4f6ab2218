import { RunUsageError, parseWords, wholeNumber, word } from '../../test/support/run-options.js';
import { CONTENDERS } from './speed.contenders.js';
import { MEASURES } from './speed.measures.js';

export interface SpeedOptions {
  /** The measured parts, out of `PARTS`. */
  parts: string[];
  /** Names of contenders, in the order of the rounds. */
  contenders: string[];
  rounds: number;
  /** Recipients of each contender in each round. */
  recipients: number;
  smtpConnections: number;
  maxInDoubt: number;
  /** Delay of the distant mail server for each answer. */
  farMs: number;
  farRecipients: number;
  /** Recipients of the long lists: those of `load`, `heap` and `resume`. */
  listRecipients: number;
  progressRecipients: number;
  /** Attached to each message. */
  attachmentKb: number;
  heapRounds: number;
  json: boolean;
}

/** The contenders near the mail server, two of them far from it, and the measures of the plugin alone. */
export const PARTS = ['contenders', 'far', ...Object.keys(MEASURES)];

export const USAGE = `npm run bench -- [options]
  --only LIST           what is measured (${PARTS.join(',')})
  --contenders LIST     who takes part, in the order of their turns (${Object.keys(CONTENDERS).join(',')})
  --rounds N            turns of each (5)
  --recipients N        of each in each round (40000)
  --connections N       to the mail server, for each (20)
  --max-in-doubt N      recipients marked ahead by the plugin (100)
  --far-ms N            until each answer of the mail server that is far away (20)
  --far-recipients N    of each that sends there, in each round (10000)
  --list-recipients N   of the long lists: load, heap (and a hundredth), resume (1000000)
  --progress-recipients N  of progress alone (200000)
  --attachment-kb N     attached to each message, the same for everybody (0)
  --heap-rounds N       rounds with heap, which takes minutes and depends on nothing else that runs (1)
  --json                the last line of stdout is one JSON object
Exit code: 0, or 1 if a contender was limited by an interval and not by a processor or a server, or 2 if something failed.`;

/** As they come from the command line. */
const OPTIONS = {
  only: word(PARTS.join(',')),
  contenders: word(Object.keys(CONTENDERS).join(',')),
  rounds: word('5'),
  recipients: word('40000'),
  connections: word('20'),
  'max-in-doubt': word('100'),
  'far-ms': word('20'),
  'far-recipients': word('10000'),
  'list-recipients': word('1000000'),
  'progress-recipients': word('200000'),
  'attachment-kb': word('0'),
  'heap-rounds': word('1'),
  json: { type: 'boolean', default: false },
} as const;

/** @throws RunUsageError naming the option, what it should be, and what it was. */
export function parseSpeedOptions(args: string[]): SpeedOptions {
  const values = parseWords(args, OPTIONS, USAGE);
  const whole = (option: keyof typeof values, low: number, high: number): number =>
    wholeNumber(option, String(values[option]), low, high, USAGE);
  const connections = whole('connections', 1, 500);
  return {
    parts: namesOutOf('only', values.only, PARTS),
    contenders: namesOutOf('contenders', values.contenders, Object.keys(CONTENDERS)),
    rounds: whole('rounds', 1, 1_000),
    recipients: whole('recipients', 1, 10_000_000),
    smtpConnections: connections,
    // The plugin has twice as many messages in flight as connections, and marks no fewer recipients.
    maxInDoubt: whole('max-in-doubt', 2 * connections, 10_000),
    farMs: whole('far-ms', 0, 10_000),
    farRecipients: whole('far-recipients', 1, 10_000_000),
    // A shorter list would end before the host is killed in the middle of it.
    listRecipients: whole('list-recipients', 1_000, 10_000_000),
    progressRecipients: whole('progress-recipients', 1, 10_000_000),
    attachmentKb: whole('attachment-kb', 0, 20_000),
    heapRounds: whole('heap-rounds', 1, 1_000),
    json: values.json,
  };
}

function namesOutOf(option: string, text: string, known: string[]): string[] {
  const names = text.split(',');
  const stranger = names.find((one) => !known.includes(one));
  if (stranger === undefined) return names;
  throw new RunUsageError(
    `--${option}: expected names out of ${known.join(', ')}, got "${stranger}".\n\n${USAGE}`,
  );
}
