import { rounded } from '../median.js';

/** How busy processors were. Null if unknown. */
export interface CpuShares {
  /** The share of busy cores of the machine in its turn, from 0 to 1, by any work. The others are in cores. */
  machine: number | null;
  /** Of the contender's own process. */
  contender: number | null;
  /** Of the database or Redis with its jobs. */
  store: number | null;
  mailServer: number | null;
}

/**
 * What limited a contender: its own process, its store, the mail server, all cores of the machine together (other work included),
 * or an interval that it waits for. Unknown: none of these could be shown.
 */
export type Limit = 'contender' | 'store' | 'mailServer' | 'machine' | 'interval' | 'unknown';

/** A process of Node, and the sink, each use one core, minus some waiting for each other. */
const BUSY_SHARE = 0.8;
/** Two rounds may have the same rate by chance. */
const LEAST_ROUNDS = 3;
/** Share of the rate. A contender that works as fast as it can varies by more between rounds. */
const STEADY_SPREAD = 0.02;

/**
 * The spread of the rates of the rounds, as a share of the median.
 *
 * @returns null for fewer than three rounds.
 */
export function spreadOf(rates: number[], median: number): number | null {
  if (rates.length < LEAST_ROUNDS || median === 0) return null;
  return Math.round(((Math.max(...rates) - Math.min(...rates)) / median) * 10_000) / 10_000;
}

/** @param cores that this process may use; other cores of the machine do not count. */
export function limitOf(shares: CpuShares, spread: number | null, cores: number): Limit {
  const { contender, store, mailServer, machine } = shares;
  if (isBusy(contender)) return 'contender';
  if (isBusy(mailServer)) return 'mailServer';
  if (isBusy(store)) return 'store';
  if (isBusy(machine)) return 'machine';
  // An unknown part may be the busy one.
  if (contender === null || mailServer === null) return 'unknown';
  if (contender + mailServer + (store ?? 0) >= BUSY_SHARE * cores) return 'machine';
  return spread !== null && spread <= STEADY_SPREAD ? 'interval' : 'unknown';
}

/** @param seconds of elapsed time. */
export function shareOf(cpuMs: number | null, seconds: number): number | null {
  return cpuMs === null ? null : rounded(cpuMs / 1_000 / seconds);
}

function isBusy(share: number | null): boolean {
  return share !== null && share >= BUSY_SHARE;
}

/** A line for each contender that the bench itself slowed down. */
export function unfairLines(limits: Record<string, Limit>): string[] {
  return Object.entries(limits)
    .filter(([, limit]) => limit === 'interval')
    .map(
      ([name]) =>
        `${name} waited for an interval: all its rounds were equally fast, and neither it nor its servers were busy. ` +
        'Its rate is that of its settings in the bench and must not be compared.',
    );
}
