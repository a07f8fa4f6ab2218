import type { Machine } from '../machine.js';
import { median, medianOrNull, rounded } from '../median.js';
import { FIGURE_OF, type MeasuredFigure } from './speed.measures.js';
import { type CpuShares, type Limit, limitOf, spreadOf } from './speed.limits.js';
import type { SpeedOptions } from './speed.options.js';

/** Result of one contender in one round. */
export interface SpeedRound {
  messagesPerSecond: number;
  /** Bytes that the mail server read, which prove that all sent the same. Null on systems other than Linux. */
  bytesPerMessage: number | null;
  /** Of the contender's own process. */
  cpuSecondsPer1000: number | null;
  cpuShares: CpuShares;
  statementsPer1000: number | null;
}

/** Rounds by contender. */
export interface SpeedResults {
  contenders: Map<string, SpeedRound[]>;
  /** With the distant mail server. */
  far: Map<string, SpeedRound[]>;
  measures: Map<string, number[]>;
}

/** Medians; null if a contender did not take part. */
export interface SpeedReport extends Record<MeasuredFigure, number | null> {
  bench: 'speed';
  /** Rates of two contenders. */
  mailerVsBare: number | null;
  /** Processor time of two contenders for one message. */
  mailerCpuVsBare: number | null;
  bulkVsBare: number | null;
  bulkVsBullmq: number | null;
  bulkJournalVsBare: number | null;
  bulkJournalVsLimit: number | null;
  /** Rates of `bulk` and `bare` with a delay of each answer of 20 ms, or as configured. */
  far20msVsBare: number | null;
  statementsPer1000Messages: number | null;
  maxInDoubt: number;
  cpuSecondsPer1000: Record<string, number | null>;
  /** Only for contenders near the mail server, because those far away wait for its answers by intent. */
  cpuShares: Record<string, CpuShares>;
  /** The spread of the rates of its rounds, as a share of the median; null for fewer than three. */
  spreads: Record<string, number | null>;
  limitedBy: Record<string, Limit>;
  /** Messages a second, by contender; `far-bare` and `far-bulk` are those with the distant mail server. */
  medians: Record<string, number>;
  /** Of the medians, and of the measures of the plugin alone. */
  leastAndMost: Record<string, [number, number]>;
  bytesPerMessage: Record<string, number | null>;
  recipients: number;
  smtpConnections: number;
  rounds: number;
  farMs: number;
  farRecipients: number;
  listRecipients: number;
  progressRecipients: number;
  attachmentKb: number;
  machine: Machine;
}

export function speedReport(options: SpeedOptions, results: SpeedResults, machine: Machine): SpeedReport {
  const { contenders } = results;
  const all = new Map([
    ...contenders,
    ...[...results.far].map(([name, its]) => [`far-${name}`, its] as const),
  ]);
  const each = <T>(of: (rounds: SpeedRound[]) => T, whose = all): Record<string, T> =>
    Object.fromEntries([...whose].map(([contender, its]) => [contender, of(its)]));
  const rates = each((its) => its.map((one) => one.messagesPerSecond));
  const medians = each((its) => median(its.map((one) => one.messagesPerSecond)));
  const cpuShares = each((its) => medianShares(its.map((one) => one.cpuShares)), contenders);
  const spreads = each((its) => {
    const values = its.map((one) => one.messagesPerSecond);
    return spreadOf(values, median(values));
  }, contenders);
  const limitedBy = Object.fromEntries(
    [...contenders.keys()].map((name) => [name, limitOf(cpuShares[name], spreads[name], machine.cores)]),
  );
  const cpuSecondsPer1000 = each((its) => medianOrNull(its.map((one) => one.cpuSecondsPer1000)));
  return {
    bench: 'speed',
    mailerVsBare: ratio(medians.mailer, medians.bare),
    mailerCpuVsBare: ratio(cpuSecondsPer1000.mailer, cpuSecondsPer1000.bare),
    bulkVsBare: ratio(medians.bulk, medians.bare),
    bulkVsBullmq: ratio(medians.bulk, medians.bullmq),
    bulkJournalVsBare: ratio(medians['bulk-journal'], medians.bare),
    bulkJournalVsLimit: ratio(medians['bulk-journal'], medians.limit),
    far20msVsBare: ratio(medians['far-bulk'], medians['far-bare']),
    ...figuresOf(results, (values) => median(values)),
    statementsPer1000Messages: medianOrNull(
      (contenders.get('bulk') ?? []).map((one) => one.statementsPer1000),
    ),
    maxInDoubt: options.maxInDoubt,
    cpuSecondsPer1000,
    cpuShares,
    spreads,
    limitedBy,
    medians,
    leastAndMost: rangesOf({ ...rates, ...figuresOf(results, (values) => values) }),
    bytesPerMessage: each((its) => medianOrNull(its.map((one) => one.bytesPerMessage)), contenders),
    recipients: options.recipients,
    smtpConnections: options.smtpConnections,
    rounds: options.rounds,
    farMs: options.farMs,
    farRecipients: options.farRecipients,
    listRecipients: options.listRecipients,
    progressRecipients: options.progressRecipients,
    attachmentKb: options.attachmentKb,
    machine,
  };
}

function figuresOf<T>(
  { measures }: SpeedResults,
  of: (values: number[]) => T,
): Record<MeasuredFigure, T | null> {
  const entries = Object.entries(FIGURE_OF).map(([measure, figure]) => {
    const values = measures.get(measure);
    return [figure, values ? of(values) : null];
  });
  return Object.fromEntries(entries) as Record<MeasuredFigure, T | null>;
}

function medianShares(shares: CpuShares[]): CpuShares {
  const of = (part: keyof CpuShares): number | null => medianOrNull(shares.map((one) => one[part]));
  return {
    machine: of('machine'),
    contender: of('contender'),
    store: of('store'),
    mailServer: of('mailServer'),
  };
}

function rangesOf(values: Record<string, number[] | null>): Record<string, [number, number]> {
  const entries = Object.entries(values).flatMap(([name, its]): [string, [number, number]][] =>
    its ? [[name, [rounded(Math.min(...its)), rounded(Math.max(...its))]]] : [],
  );
  return Object.fromEntries(entries);
}

function ratio(one?: number | null, other?: number | null): number | null {
  return one && other ? rounded(one / other) : null;
}
