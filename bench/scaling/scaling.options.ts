import { RunUsageError, parseWords, wholeNumber, word } from '../../test/support/run-options.js';

/** The sender: the plugin's `bulkSmtp`, or the host's `MailerService`. */
export type SenderOfBench = 'bulk' | 'mailer';

export interface ScalingOptions {
  /** Numbers of servers, in the order of the rounds. */
  servers: number[];
  rounds: number;
  /** Recipients of the mailing of each round. */
  recipients: number;
  /** Recipients of each mailing whose statements are counted. */
  costRecipients: number;
  /** Recipients of the list whose rows are weighed. */
  listRecipients: number;
  /** Observation time of an idle server. */
  idleSeconds: number;
  /** The mail server's delay for each reply. */
  replyMs: number;
  sender: SenderOfBench;
  /** Connections of each server. */
  smtpConnections: number;
  json: boolean;
}

export const USAGE = `npm run bench:scaling -- [options]
  --servers LIST        numbers of servers, in the order of their turns (1,2,4)
  --rounds N            turns of each number (3)
  --recipients N        of the mailing of each round (40000)
  --cost-recipients N   of each mailing whose statements are counted; 0: none is (4000)
  --list-recipients N   of the list whose rows are weighed; 0: none is (200000)
  --idle-seconds N      so long an idle server is watched (60)
  --reply-ms N          what the mail server takes for each reply (20)
  --sender NAME         bulk or mailer: what hands the messages over (bulk)
  --connections N       of each server (20)
  --json                the last line of stdout is one JSON object`;

/** As they come from the command line. */
const OPTIONS = {
  servers: word('1,2,4'),
  rounds: word('3'),
  // Three quarters of a minute for four servers. Worker slots idle for two seconds of that at start and end, which would dominate
  // a shorter mailing.
  recipients: word('40000'),
  'cost-recipients': word('4000'),
  'list-recipients': word('200000'),
  'idle-seconds': word('60'),
  'reply-ms': word('20'),
  // Four processes with nodemailer and their mail server take 1.8 of two cores, so the machine would be the limit.
  sender: word('bulk'),
  // The plugin's defaults, five messages in flight for each of four batches, and as many connections.
  // With nodemailer's own default of five, three of four batches would wait for a connection.
  connections: word('20'),
  json: { type: 'boolean', default: false },
} as const;

/** @throws RunUsageError naming the option, what it should be, and what it was. */
export function parseScalingOptions(args: string[]): ScalingOptions {
  const values = parseWords(args, OPTIONS, USAGE);
  return {
    servers: values.servers.split(',').map((one) => whole('servers', one, 1, 64)),
    rounds: whole('rounds', values.rounds, 1, 1_000),
    recipients: whole('recipients', values.recipients, 1, 10_000_000),
    costRecipients: whole('cost-recipients', values['cost-recipients'], 0, 1_000_000),
    listRecipients: whole('list-recipients', values['list-recipients'], 0, 10_000_000),
    idleSeconds: whole('idle-seconds', values['idle-seconds'], 0, 3_600),
    replyMs: whole('reply-ms', values['reply-ms'], 1, 10_000),
    sender: senderOf(values.sender),
    smtpConnections: whole('connections', values.connections, 1, 1_000),
    json: values.json,
  };
}

function senderOf(name: string): SenderOfBench {
  if (name === 'bulk' || name === 'mailer') return name;
  throw new RunUsageError(`--sender: expected bulk or mailer, got "${name}".\n\n${USAGE}`);
}

function whole(option: string, text: string, low: number, high: number): number {
  return wholeNumber(option, text, low, high, USAGE);
}
