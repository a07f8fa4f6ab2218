import type { DatabaseKind } from '../../support/databases/database-kinds.js';
import { ClusterKillsRound } from './cluster-kills.round.js';
import { complaintsOf } from '../processes/promise.js';
import { boundOf, RandomKillsRound, type RoundParts, type RoundResult } from './random-kills.round.js';

/** What a session has found; sums over its rounds. */
export interface RandomKillsReport {
  rounds: number;
  /** SIGKILLs; ends by SIGTERM are not counted. */
  kills: number;
  recipients: number;
  /** Distinct recipients that got a copy. */
  received: number;
  duplicates: number;
  missing: number;
  inDoubt: number;
  maxInDoubtPerKill: number;
  /** Upper limit of `maxInDoubtPerKill`. */
  bound: number;
  seed: number;
  database: DatabaseKind;
  /** All complaints in words; empty if the promise was kept. */
  complaints: string[];
}

export interface SessionParts extends Omit<RoundParts, 'seed'> {
  seed: number;
  /** Checked before each round. */
  goOn: (rounds: number) => boolean;
  say?: (line: string) => void;
}

/**
 * Rounds of random kills, one after another.
 *
 * The seed of a round is that of the session plus the number of rounds before it, so a round that broke the promise
 * is the first of a session with its own seed. A failed round ends the session, because its processes and data can not serve
 * another round.
 */
export async function randomKills(parts: SessionParts): Promise<RandomKillsReport> {
  const { seed, database, recipients, goOn, say = () => undefined } = parts;
  const report: RandomKillsReport = {
    rounds: 0,
    kills: 0,
    recipients: 0,
    received: 0,
    duplicates: 0,
    missing: 0,
    inDoubt: 0,
    maxInDoubtPerKill: 0,
    bound: boundOf(parts),
    seed,
    database,
    complaints: [],
  };
  while (goOn(report.rounds)) {
    const roundSeed = seed + report.rounds;
    try {
      const rounds = (parts.servers ?? 1) > 1 ? ClusterKillsRound : RandomKillsRound;
      const round = await rounds.run({ ...parts, seed: roundSeed });
      const complaints = add(report, round, recipients);
      say(lineOf(report.rounds, roundSeed, round, complaints));
    } catch (error) {
      if (parts.stop?.aborted) break;
      report.complaints.push(`seed ${roundSeed}: ${error instanceof Error ? error.message : String(error)}`);
      break;
    }
  }
  return report;
}

/** Whether the promise was kept in every round, and there was one. */
export function isKept(report: RandomKillsReport): boolean {
  return (
    report.rounds > 0 &&
    report.duplicates === 0 &&
    report.missing === 0 &&
    report.maxInDoubtPerKill <= report.bound &&
    report.complaints.length === 0
  );
}

function add(report: RandomKillsReport, round: RoundResult, recipients: number): string[] {
  const { kills, facts, maxInDoubtPerKill } = round;
  report.rounds++;
  report.kills += kills;
  report.recipients += recipients;
  report.received += facts.received;
  report.duplicates += facts.duplicates.length;
  report.missing += facts.missing.length;
  report.inDoubt += facts.inDoubt;
  report.maxInDoubtPerKill = Math.max(report.maxInDoubtPerKill, maxInDoubtPerKill);
  const complaints = complaintsOf(facts);
  report.complaints.push(...complaints);
  return complaints;
}

function lineOf(round: number, seed: number, { kills, facts }: RoundResult, complaints: string[]): string {
  const verdict = complaints.length === 0 ? 'kept' : `BROKEN: ${complaints.join('; ')}`;
  return `round ${round} (seed ${seed}): ${kills} kills, ${facts.received} received, ${facts.inDoubt} in doubt, ${verdict}`;
}
