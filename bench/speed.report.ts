import type { Machine } from './machine.js';
import { median, medianOrNull, rounded } from './median.js';
import type { SpeedOptions } from './speed.options.js';

/** Of one contender in one round. */
export interface SpeedRound {
  messagesPerSecond: number;
  /** What the mail server read: the proof that all sent the same. Null where the system does not tell. */
  bytesPerMessage: number | null;
  /** Of the contender's own process. */
  cpuSecondsPer1000: number | null;
  statementsPer1000: number | null;
}

export interface SpeedReport {
  bench: 'speed';
  /** Rates of two contenders, medians; null where one of them did not take part. */
  mailerVsBare: number | null;
  /** Processor time of two contenders for one message. */
  mailerCpuVsBare: number | null;
  bulkVsBare: number | null;
  bulkVsBullmq: number | null;
  statementsPer1000Messages: number | null;
  maxInDoubt: number;
  cpuSecondsPer1000: Record<string, number | null>;
  /** Messages a second, by contender. */
  medians: Record<string, number>;
  leastAndMost: Record<string, [number, number]>;
  bytesPerMessage: Record<string, number | null>;
  recipients: number;
  smtpConnections: number;
  rounds: number;
  machine: Machine;
}

export function speedReport(
  options: SpeedOptions,
  rounds: Map<string, SpeedRound[]>,
  machine: Machine,
): SpeedReport {
  const each = <T>(of: (rounds: SpeedRound[]) => T): Record<string, T> =>
    Object.fromEntries([...rounds].map(([contender, its]) => [contender, of(its)]));
  const medians = each((its) => median(its.map((one) => one.messagesPerSecond)));
  const cpuSecondsPer1000 = each((its) => medianOrNull(its.map((one) => one.cpuSecondsPer1000)));
  return {
    bench: 'speed',
    mailerVsBare: ratio(medians.mailer, medians.bare),
    mailerCpuVsBare: ratio(cpuSecondsPer1000.mailer, cpuSecondsPer1000.bare),
    bulkVsBare: ratio(medians.bulk, medians.bare),
    bulkVsBullmq: ratio(medians.bulk, medians.bullmq),
    statementsPer1000Messages: medianOrNull((rounds.get('bulk') ?? []).map((one) => one.statementsPer1000)),
    maxInDoubt: options.maxInDoubt,
    cpuSecondsPer1000,
    medians,
    leastAndMost: each((its) => {
      const rates = its.map((one) => rounded(one.messagesPerSecond));
      return [Math.min(...rates), Math.max(...rates)];
    }),
    bytesPerMessage: each((its) => medianOrNull(its.map((one) => one.bytesPerMessage))),
    recipients: options.recipients,
    smtpConnections: options.smtpConnections,
    rounds: options.rounds,
    machine,
  };
}

/** For people: a row for each contender. */
export function linesOf(report: SpeedReport): string[] {
  const rows = Object.entries(report.medians).map(([contender, rate]) => {
    const [least, most] = report.leastAndMost[contender];
    const cpu = report.cpuSecondsPer1000[contender];
    const bytes = report.bytesPerMessage[contender];
    return [
      contender.padEnd(10),
      `${Math.round(rate)} messages/s`.padStart(20),
      `${Math.round(least)}–${Math.round(most)}`.padStart(16),
      (cpu === null ? '' : `${cpu.toFixed(2)} s CPU/1,000`).padStart(20),
      (bytes === null ? '' : `${Math.round(bytes)} bytes`).padStart(12),
    ].join('');
  });
  const { mailerVsBare, mailerCpuVsBare, bulkVsBare, bulkVsBullmq, statementsPer1000Messages } = report;
  return [
    ...rows,
    `bulk / bare: ${bulkVsBare ?? '–'}, bulk / bullmq: ${bulkVsBullmq ?? '–'}; ` +
      `statements of bulk for 1,000 messages: ${statementsPer1000Messages ?? '–'}`,
    `mailer / bare: ${mailerVsBare ?? '–'}, of its processor time: ${mailerCpuVsBare ?? '–'}`,
  ];
}

function ratio(one?: number | null, other?: number | null): number | null {
  return one && other ? rounded(one / other) : null;
}
