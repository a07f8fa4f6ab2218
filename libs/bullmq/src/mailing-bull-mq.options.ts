import type { RedisOptions } from 'bullmq';
import { kindOf, numberOrKindOf } from '../../mailing/src/index.js';
import { MailingBullMqOptionsError } from './mailing-bull-mq.errors.js';

/** Options of `MailingBullMqModule.forRoot`. All servers that share a queue need the same ones. */
export interface MailingBullMqOptions {
  /**
   * Name of the queue in Redis, without a colon. Default: `mailing-batches`. Applications that share a Redis but no database need different
   * names.
   */
  queueName?: string;
  /** Prefix of the names of all keys. Default: that of `BullModule.forRoot`, else `bull`. */
  prefix?: string;
  /**
   * Recipients of batched mailings that all servers together begin in a second, on average; null: as many as they can. Default: null.
   * Bounds: 1 to 100,000.
   *
   * Batches are started one after the other in the whole cluster. The next one starts after the time that the recipients of the last one
   * take at this rate. A batch that is larger than a second's worth keeps to the rate by itself. So any `W` seconds see at most `rate × W`
   * recipients, plus one batch, plus what batches in flight had left when the `W` seconds began. While the mail server keeps pace, that
   * rest is at most one more batch, and any one second sees at most `rate + 2 × batch.emailsPerBatch`. So keep `batch.emailsPerBatch` at or
   * below this rate, and far below it where single seconds matter.
   *
   * Two cases exceed this: batches that a slow mail server held up go on together when it answers, unless `run.ratePerSecond` bounds each
   * process; and a Redis that was emptied lets the next batch start early.
   *
   * While Redis is away, each server sends batches at this rate divided by the number of live servers, but at no less than 1 a second.
   * Mailings that are not batched do not count. A server with another value here, or none, keeps to its own.
   */
  clusterRatePerSecond?: number | null;
  /**
   * URL, or options of `ioredis`. Default: those of `BullModule.forRoot`. This module itself sets how the client reconnects, and that no
   * call waits for a Redis that is away.
   */
  connection?: string | RedisOptions;
}

/** The options with every default filled in and every bound checked. */
export interface MailingBullMqSettings {
  queueName: string;
  prefix: string;
  clusterRatePerSecond: number | null;
  connection: RedisOptions;
}

/** The part of the configuration of `BullModule.forRoot` that is used. */
export interface SharedBullOptions {
  connection?: unknown;
  prefix?: string;
}

const NAMES = ['queueName', 'prefix', 'clusterRatePerSecond', 'connection'];
const CONNECTION = 'a URL (redis: or rediss:) or an object with options of ioredis';

/** @throws MailingBullMqOptionsError naming the first option that is missing, unknown or out of its bounds. */
export function toMailingBullMqSettings(
  options: MailingBullMqOptions,
  shared: SharedBullOptions = {},
): MailingBullMqSettings {
  if (typeof options !== 'object' || options === null) {
    throw new MailingBullMqOptionsError('options', 'an object', kindOf(options));
  }
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown) {
    const expected = `absent, because the options are ${NAMES.join(', ')}`;
    throw new MailingBullMqOptionsError(unknown, expected, 'it');
  }
  return {
    queueName: name('queueName', options.queueName ?? 'mailing-batches'),
    prefix: name('prefix', options.prefix ?? shared.prefix ?? 'bull'),
    clusterRatePerSecond: rate(options.clusterRatePerSecond ?? null),
    connection: connection(options.connection ?? shared.connection),
  };
}

function name(option: string, value: unknown): string {
  const mayHaveColons = option === 'prefix';
  if (typeof value === 'string' && value !== '' && (mayHaveColons || !value.includes(':'))) return value;
  const expected = mayHaveColons ? 'a text that is not empty' : 'a text without a colon that is not empty';
  throw new MailingBullMqOptionsError(option, expected, kindOf(value));
}

function rate(value: number | null): number | null {
  if (value === null || (Number.isInteger(value) && value >= 1 && value <= 100_000)) return value;
  throw new MailingBullMqOptionsError(
    'clusterRatePerSecond',
    'null or a whole number from 1 to 100000',
    numberOrKindOf(value),
  );
}

function connection(value: unknown): RedisOptions {
  if (value === undefined) {
    const nextStep =
      'Give the connection, or import BullModule.forRoot({ connection: … }) in the root module.';
    throw new MailingBullMqOptionsError('connection', CONNECTION, 'none', nextStep);
  }
  if (typeof value === 'string' && /^rediss?:\/\//.test(value)) return { url: value };
  // An existing client has settings of its own for waiting and giving up, and those can't be changed any more.
  const isPlain = typeof value === 'object' && value !== null && !('duplicate' in value);
  if (isPlain) return value as RedisOptions;
  throw new MailingBullMqOptionsError(
    'connection',
    CONNECTION,
    typeof value === 'object' ? 'a client' : kindOf(value),
  );
}
