import { randomInt } from 'node:crypto';
import { DATABASE_KINDS, type DatabaseKind } from '../../support/databases/database-kinds.js';
import { decimal, oneOf, parseWords, wholeNumber, word } from '../../support/run-options.js';

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
  --without-journal     they keep none, and mark 10 ahead in place of 100
  --json                the last line of stdout is one JSON object`;

/** @throws RunUsageError naming the option, what it should be, and what it was. */
export function parseRandomKillsOptions(args: string[]): RandomKillsOptions {
  const values = parseWords(
    args,
    {
      minutes: word('1'),
      seed: { type: 'string' },
      database: word('mariadb'),
      recipients: word('400'),
      servers: word('1'),
      'bulk-smtp': { type: 'boolean', default: false },
      'without-journal': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
    USAGE,
  );
  const { minutes, seed, database, recipients, servers, json } = values;
  return {
    minutes: decimal('minutes', minutes, 0.01, 10_000, USAGE),
    seed: seed === undefined ? randomInt(1, 1_000_000) : wholeNumber('seed', seed, 0, 2 ** 32 - 1, USAGE),
    database: oneOf('database', database, DATABASE_KINDS, USAGE),
    recipients: wholeNumber('recipients', recipients, 1, 1_000_000, USAGE),
    servers: wholeNumber('servers', servers, 1, 32, USAGE),
    bulkSmtp: values['bulk-smtp'],
    journal: !values['without-journal'],
    json,
  };
}
