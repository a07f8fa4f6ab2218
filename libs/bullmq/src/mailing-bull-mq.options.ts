import type { RedisOptions } from 'bullmq';
import {
  custom,
  type OptionPlace,
  type OptionSchema,
  readOptions,
  type ReadOptions,
  text,
  wholeOrNull,
} from '../../mailing/src/parts.js';
import { BULL_MQ_PLACE } from './mailing-bull-mq.errors.js';

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

/** The part of the configuration of `BullModule.forRoot` that is used. */
export interface SharedBullOptions {
  connection?: unknown;
  prefix?: string;
}

/** What `BullModule.forRoot` has set is put in place of what is absent, before these are read. */
export const BULL_MQ_OPTIONS = {
  queueName: custom('text without a colon', '`mailing-batches`', (at, given) => {
    const value = given ?? 'mailing-batches';
    if (typeof value === 'string' && value !== '' && !value.includes(':')) return value;
    throw at.wrong('a text without a colon that is not empty', value);
  }),
  prefix: text({ default: 'bull', words: 'that of `BullModule.forRoot`, else `bull`' }),
  clusterRatePerSecond: wholeOrNull({ min: 1, max: 100_000, nullIs: 'null' }),
  connection: custom('URL, or options of `ioredis`', 'those of `BullModule.forRoot`', readConnection),
} satisfies OptionSchema<MailingBullMqOptions>;

/** The options with every default filled in and every bound checked. */
export type MailingBullMqSettings = ReadOptions<typeof BULL_MQ_OPTIONS>;

/** @throws MailingBullMqOptionsError naming the first option that is missing, unknown or out of its bounds. */
export function toMailingBullMqSettings(
  options: MailingBullMqOptions,
  { connection, prefix }: SharedBullOptions = {},
): MailingBullMqSettings {
  // What is no object is refused as it is.
  const isGroup = typeof options === 'object' && options !== null && !Array.isArray(options);
  const given = isGroup
    ? { ...options, connection: options.connection ?? connection, prefix: options.prefix ?? prefix }
    : options;
  return readOptions(BULL_MQ_PLACE, BULL_MQ_OPTIONS, given);
}

function readConnection(at: OptionPlace, given: unknown): RedisOptions {
  const expected = 'a URL (redis: or rediss:) or an object with options of ioredis';
  if ((given ?? null) === null) {
    const nextStep =
      'Give the connection, or import BullModule.forRoot({ connection: … }) in the root module.';
    throw at.wrong(expected, given, 'none', nextStep);
  }
  if (typeof given === 'string' && /^rediss?:\/\//.test(given)) return { url: given };
  // An existing client has settings of its own for waiting and giving up, and those can't be changed any more.
  const isClient = typeof given === 'object' && given !== null && 'duplicate' in given;
  if (typeof given !== 'object' || isClient)
    throw at.wrong(expected, given, isClient ? 'a client' : undefined);
  return given as RedisOptions;
}
