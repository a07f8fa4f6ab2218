import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** With one server, a plain mailing; with several, a mailing in batches that they share. */
  servers: number;
  recipients: number;
  kills: number;
  seed: number;
  /** Null: a fresh SQLite file in the output folder. */
  databaseUrl: string | null;
  /** Null: an inbox in this process. */
  smtpUrl: string | null;
  inDoubt: 'leave' | 'resend';
  json: boolean;
}

export const USAGE = `npm run demo -- [options]
  --servers N           how many processes send; several share the mailing in batches (1)
  --recipients N        how many people get the letter (2000; 6000 with several servers)
  --kills N             how often a sending process is killed in mid-mailing (3)
  --seed N              of the moments of the kills; printed, so that a run can be repeated
  --database-url URL    sqlite:path, mysql://…, mariadb://… or postgres://… (a fresh SQLite file)
  --smtp-url URL        a mail server of yours; what it received is not known then (an inbox in this process)
  --in-doubt POLICY     leave or resend: what happens to recipients that a kill left in flight (leave)
  --json                the last line of stdout is one JSON object`;

/** The command line is invalid. */
export class DemoUsageError extends Error {}

/** @throws DemoUsageError naming the option, its expected value, and the given one. */
export function parseDemoOptions(args: string[]): DemoOptions {
  const values = parse(args);
  const servers = whole('servers', values.servers, 1, 32);
  const recipients = values.recipients ?? (servers > 1 ? '6000' : '2000');
  return {
    servers,
    recipients: whole('recipients', recipients, 1, 10_000_000),
    kills: whole('kills', values.kills, 0, 10_000),
    seed: values.seed === undefined ? randomInt(1, 1_000_000) : whole('seed', values.seed, 0, 2 ** 32 - 1),
    databaseUrl: values['database-url'] ?? null,
    smtpUrl: values['smtp-url'] ?? null,
    inDoubt: policy(values['in-doubt']),
    json: values.json,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        servers: { type: 'string', default: '1' },
        recipients: { type: 'string' },
        kills: { type: 'string', default: '3' },
        seed: { type: 'string' },
        'database-url': { type: 'string' },
        'smtp-url': { type: 'string' },
        'in-doubt': { type: 'string', default: 'leave' },
        json: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new DemoUsageError(`${(error as Error).message}\n\n${USAGE}`);
  }
}

function whole(option: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new DemoUsageError(
      `--${option}: expected a whole number from ${low} to ${high}, got "${text}".\n\n${USAGE}`,
    );
  }
  return value;
}

function policy(text: string): 'leave' | 'resend' {
  if (text === 'leave' || text === 'resend') return text;
  throw new DemoUsageError(`--in-doubt: expected leave or resend, got "${text}".\n\n${USAGE}`);
}
