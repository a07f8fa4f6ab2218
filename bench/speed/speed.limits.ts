import { rounded } from '../median.js';

/** How busy processors were. Null where it is not known. */
export interface CpuShares {
  /** The share of all cores of the machine, from 0 to 1, that were busy in its turn, with whatever. Of the others: cores, 1 is one. */
  machine: number | null;
  /** Of the contender's own process. */
  contender: number | null;
  /** Of the database or the Redis that it keeps its jobs in. */
  store: number | null;
  mailServer: number | null;
}

/**
 * What a contender could not go beyond: its own process, its store, the mail server, all cores of the machine together (other work on it
 * included), or an interval that it waits for. Unknown: none of them that can be told.
 */
export type Limit = 'contender' | 'store' | 'mailServer' | 'machine' | 'interval' | 'unknown';

/** One process of Node, and the sink, do their work on one core; a bit is lost to waiting for each other. */
const BUSY_SHARE = 0.8;
/** Two rounds may be equally fast by chance. */
const LEAST_ROUNDS = 3;
/** Of the rate. What works as fast as it can varies by more than that from round to round. */
const STEADY_SPREAD = 0.02;

/**
 * How far apart the rates of the rounds are, as a share of the median.
 *
 * @returns null for fewer than three rounds.
 */
export function spreadOf(rates: number[], median: number): number | null {
  if (rates.length < LEAST_ROUNDS || median === 0) return null;
  return Math.round(((Math.max(...rates) - Math.min(...rates)) / median) * 10_000) / 10_000;
}

/** @param cores that this process may use; what the machine has besides belongs to others. */
export function limitOf(shares: CpuShares, spread: number | null, cores: number): Limit {
  const { contender, store, mailServer, machine } = shares;
  if (isBusy(contender)) return 'contender';
  if (isBusy(mailServer)) return 'mailServer';
  if (isBusy(store)) return 'store';
  if (isBusy(machine)) return 'machine';
  // What is not known may be what is busy.
  if (contender === null || mailServer === null) return 'unknown';
  if (contender + mailServer + (store ?? 0) >= BUSY_SHARE * cores) return 'machine';
  return spread !== null && spread <= STEADY_SPREAD ? 'interval' : 'unknown';
}

/** @param seconds of the clock. */
export function shareOf(cpuMs: number | null, seconds: number): number | null {
  return cpuMs === null ? null : rounded(cpuMs / 1_000 / seconds);
}

function isBusy(share: number | null): boolean {
  return share !== null && share >= BUSY_SHARE;
}

/** A line for each contender that the bench itself has slowed down. */
export function unfairLines(limits: Record<string, Limit>): string[] {
  return Object.entries(limits)
    .filter(([, limit]) => limit === 'interval')
    .map(
      ([name]) =>
        `${name} waited for an interval: all its rounds were equally fast, and neither it nor its servers were busy. ` +
        'Its rate is that of its settings in the bench and must not be compared.',
    );
}
