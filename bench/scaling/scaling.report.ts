import type { DatabaseCosts } from '../measures/database-costs.js';
import type { Machine } from '../machine.js';
import { median, medianOrNull, rounded } from '../median.js';
import type { ScalingOptions, SenderOfBench } from './scaling.options.js';
import type { LockWaits, RoundResult } from './scaling.round.js';

/** The goal: four servers reach so many times the rate of one. */
const TARGET = 3.6;
const TARGET_SERVERS = 4;

export interface ScalingReport {
  bench: 'scaling';
  /** By number of servers; medians over the rounds, measured by the mail server. */
  messagesPerSecond: Record<string, number>;
  /** Ratio of the most servers to the fewest. */
  speedUp: number;
  speedUps: Record<string, number>;
  /** Null unless four servers and one were compared. */
  isTargetMet: boolean | null;
  target: number;
  /** From the first claim to the completion in the database; medians. */
  wholeSeconds: Record<string, number>;
  /** Processor time for one message; medians. If their sum times the rate nears the number of cores, the machine was the limit. */
  cpuMsPerMessage: Record<string, { mailServers: number; database: number | null; smtpServer: number }>;
  /** Share of all cores used by the bench itself. */
  machineShare: Record<string, number>;
  /** Delays of the mail server's replies; medians. */
  replyMs: Record<string, { mean: number; p99: number; least: number }>;
  /** Waits for row locks in one round; medians. */
  lockWaits: Record<string, LockWaits>;
  secondCopies: number;
  /** By the size of the batches; `local` is a mailing that is not batched. */
  statementsPer1000Messages: Record<string, number>;
  idleStatementsPerMinute: number | null;
  databaseCosts: DatabaseCosts;
  recipients: number;
  sender: SenderOfBench;
  smtpConnections: number;
  rounds: number;
  eachRound: Record<string, number[]>;
  machine: Machine;
}

export function scalingReport(
  options: ScalingOptions,
  results: Map<number, RoundResult[]>,
  databaseCosts: DatabaseCosts,
  machine: Machine,
): ScalingReport {
  const each = <T>(of: (rounds: RoundResult[]) => T): Record<string, T> =>
    Object.fromEntries([...results].map(([servers, rounds]) => [servers, of(rounds)]));
  const middle = (of: (round: RoundResult) => number) => (rounds: RoundResult[]) => median(rounds.map(of));
  const messagesPerSecond = each(middle((round) => round.messagesPerSecond));
  const fewest = messagesPerSecond[Math.min(...results.keys())];
  const speedUps = Object.fromEntries(
    Object.entries(messagesPerSecond).map(([servers, rate]) => [servers, rounded(rate / fewest)]),
  );
  const isComparable = results.has(1) && results.has(TARGET_SERVERS);
  const cpuMsPerMessage = each((rounds) => ({
    mailServers: median(rounds.map((round) => round.cpuMsPerMessage.mailServers)),
    database: medianOrNull(rounds.map((round) => round.cpuMsPerMessage.database)),
    smtpServer: median(rounds.map((round) => round.cpuMsPerMessage.smtpServer)),
  }));
  const { mailings, idlePerMinute } = databaseCosts;
  return {
    bench: 'scaling',
    messagesPerSecond,
    speedUp: speedUps[Math.max(...results.keys())],
    speedUps,
    isTargetMet: isComparable ? speedUps[TARGET_SERVERS] >= TARGET : null,
    target: TARGET,
    wholeSeconds: each(middle((round) => round.wholeSeconds)),
    cpuMsPerMessage,
    machineShare: each((rounds) => median(rounds.map((round) => shareOf(round, machine.cores)))),
    replyMs: each((rounds) => ({
      mean: median(rounds.map((round) => round.replyMs.mean)),
      p99: median(rounds.map((round) => round.replyMs.p99)),
      least: median(rounds.map((round) => round.replyMs.least)),
    })),
    lockWaits: each((rounds) => ({
      count: median(rounds.map((round) => round.lockWaits.count)),
      ms: median(rounds.map((round) => round.lockWaits.ms)),
    })),
    secondCopies: [...results.values()].flat().reduce((sum, round) => sum + round.secondCopies, 0),
    statementsPer1000Messages: Object.fromEntries(
      Object.entries(mailings).map(([size, cost]) => [size, cost.per1000Messages.statements]),
    ),
    idleStatementsPerMinute: idlePerMinute?.statements ?? null,
    databaseCosts,
    recipients: options.recipients,
    sender: options.sender,
    smtpConnections: options.smtpConnections,
    rounds: options.rounds,
    eachRound: each((rounds) => rounds.map((round) => rounded(round.messagesPerSecond))),
    machine,
  };
}

/** A readable line for each number of servers. */
export function linesOf(report: ScalingReport): string[] {
  const lines = Object.entries(report.messagesPerSecond).map(
    ([servers, rate]) =>
      `${servers} servers: ${rate} messages/s, ${report.speedUps[servers]} ×, ` +
      `${Math.round(100 * report.machineShare[servers])} % of the machine, reply ${report.replyMs[servers].mean} ms`,
  );
  const statements = Object.entries(report.statementsPer1000Messages).map(
    ([size, count]) => `${size}: ${count}`,
  );
  if (statements.length > 0)
    lines.push(`statements for 1,000 messages, by batch size: ${statements.join(', ')}`);
  if (report.isTargetMet !== null) {
    lines.push(`target ${report.target} ×: ${report.isTargetMet ? 'met' : 'NOT met'}`);
  }
  return lines;
}

function shareOf({ cpuMsPerMessage: cpu, messagesPerSecond }: RoundResult, cores: number): number {
  const msPerMessage = cpu.mailServers + (cpu.database ?? 0) + cpu.smtpServer;
  return (msPerMessage * messagesPerSecond) / 1_000 / cores;
}
