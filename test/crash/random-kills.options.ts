import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { DATABASE_KINDS, type DatabaseKind } from '../support/database-kinds.js';

export interface RandomKillsOptions {
  minutes: number;
  seed: number;
  database: DatabaseKind;
  recipients: number;
  servers: number;
  bulkSmtp: boolean;
  journal: boolean;
  json: boolean;
}

export const USAGE = `npm run test:crash -- [options]
  --minutes M           how long rounds are begun (1)
  --seed S              of all moments; printed, so that a session can be repeated
  --database KIND       mariadb, mysql, postgres or sqlite (mariadb)
  --recipients N        of the mailing of each round (400)
  --servers N           that share it, in 100 batches, if more than one (1)
  --bulk-smtp           the processes speak SMTP by themselves
  --journal             and keep a journal, with 100 marked ahead
  --json                the last line of stdout is one JSON object`;

/** The command line could not be understood. */
export class RandomKillsUsageError extends Error {}

/** @throws RandomKillsUsageError naming the option, what it should be, and what it was. */
export function parseRandomKillsOptions(args: string[]): RandomKillsOptions {
  const values = parse(args);
  return {
    minutes: number('minutes', values.minutes, 0.01, 10_000),
    seed: values.seed === undefined ? randomInt(1, 1_000_000) : whole('seed', values.seed, 0, 2 ** 32 - 1),
    database: database(values.database),
    recipients: whole('recipients', values.recipients, 1, 1_000_000),
    servers: whole('servers', values.servers, 1, 32),
    bulkSmtp: values['bulk-smtp'],
    journal: values.journal,
    json: values.json,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        minutes: { type: 'string', default: '1' },
        seed: { type: 'string' },
        database: { type: 'string', default: 'mariadb' },
        recipients: { type: 'string', default: '400' },
        servers: { type: 'string', default: '1' },
        'bulk-smtp': { type: 'boolean', default: false },
        journal: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new RandomKillsUsageError(`${(error as Error).message}\n\n${USAGE}`);
  }
}

function number(option: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= low && value <= high) return value;
  throw refused(option, `a number from ${low} to ${high}`, text);
}

function whole(option: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= low && value <= high) return value;
  throw refused(option, `a whole number from ${low} to ${high}`, text);
}

function database(text: string): DatabaseKind {
  const kind = DATABASE_KINDS.find((one) => one === text);
  if (kind) return kind;
  throw refused('database', 'sqlite, mariadb, mysql or postgres', text);
}

function refused(option: string, expected: string, text: string): RandomKillsUsageError {
  return new RandomKillsUsageError(`--${option}: expected ${expected}, got "${text}".\n\n${USAGE}`);
}
