import type { SpeedReport } from '../speed/speed.report.js';

/** What is known of one figure. */
interface Meaning {
  better: 'more' | 'less';
  /** A difference that is no regression whatever its share: near zero a share says nothing. */
  slack?: number;
}

/** Figures of the report that are compared, and which way is better. */
const MEANINGS: Record<string, Meaning> = {
  mailerVsBare: { better: 'more' },
  mailerCpuVsBare: { better: 'less' },
  bulkVsBare: { better: 'more' },
  bulkVsBullmq: { better: 'more' },
  bulkJournalVsBare: { better: 'more' },
  bulkJournalVsLimit: { better: 'more' },
  far20msVsBare: { better: 'more' },
  loadRowsPerSecond: { better: 'more' },
  bookkeepingPerSecond: { better: 'more' },
  liveHeapGrowthMb: { better: 'less', slack: 1 },
  resumeFirstMessageMs: { better: 'less', slack: 50 },
  statementsPer1000Messages: { better: 'less' },
};

/** Of records of figures: what holds for each of them. */
const GROUPS: Record<string, Meaning> = {
  cpuSecondsPer1000: { better: 'less' },
  medians: { better: 'more' },
};

/** Ours alone: what others get faster or slower by is not ours to mend, and shows in the ratios. */
const OURS = /^(far-)?(mailer|bulk)/;

/** Settings without which figures of two runs say nothing about each other. */
const SETTINGS = [
  'maxInDoubt',
  'recipients',
  'smtpConnections',
  'farMs',
  'farRecipients',
  'listRecipients',
  'booksRecipients',
  'attachmentKb',
] as const;

export interface Regression {
  /** As in the report, with a dot where it is in a group. */
  figure: string;
  stored: number;
  fresh: number;
  /** By how much it is worse, as a share of what is stored. */
  by: number;
}

export interface Comparison {
  regressions: Regression[];
  numCompared: number;
  /** Figures that are stored and were not measured. */
  missing: string[];
  /** Settings that are not the same: nothing can be compared. */
  otherSettings: string[];
  /** Facts of the machine that are not the same: a difference of figures may come from them. */
  otherMachine: string[];
}

/** @param threshold the share of the stored figure from which on worse is a regression. */
export function compareFigures(stored: SpeedReport, fresh: SpeedReport, threshold: number): Comparison {
  const [before, now] = [figuresOf(stored), figuresOf(fresh)];
  const comparison: Comparison = {
    regressions: [],
    numCompared: 0,
    missing: [],
    otherSettings: differencesOf(settingsOf(stored), settingsOf(fresh)),
    otherMachine: differencesOf(machineOf(stored), machineOf(fresh)),
  };
  if (comparison.otherSettings.length > 0) return comparison;
  for (const [figure, { value, meaning }] of before) {
    const other = now.get(figure);
    if (!other) {
      comparison.missing.push(figure);
      continue;
    }
    comparison.numCompared++;
    const worse = meaning.better === 'more' ? value - other.value : other.value - value;
    const by = worse / Math.abs(value || 1);
    if (by <= threshold || worse <= (meaning.slack ?? 0)) continue;
    comparison.regressions.push({ figure, stored: value, fresh: other.value, by });
  }
  comparison.regressions.sort((one, other) => other.by - one.by);
  return comparison;
}

function figuresOf(report: SpeedReport): Map<string, { value: number; meaning: Meaning }> {
  const figures = new Map<string, { value: number; meaning: Meaning }>();
  const note = (figure: string, value: unknown, meaning: Meaning): void => {
    if (typeof value === 'number') figures.set(figure, { value, meaning });
  };
  const all = report as unknown as Record<string, unknown>;
  for (const [figure, meaning] of Object.entries(MEANINGS)) note(figure, all[figure], meaning);
  for (const [group, meaning] of Object.entries(GROUPS)) {
    for (const [name, value] of Object.entries((all[group] ?? {}) as Record<string, unknown>)) {
      if (OURS.test(name)) note(`${group}.${name}`, value, meaning);
    }
  }
  return figures;
}

function settingsOf(report: SpeedReport): Record<string, unknown> {
  return Object.fromEntries(SETTINGS.map((setting) => [setting, report[setting]]));
}

function machineOf({
  machine: { cores, model, node, database, mailSink },
}: SpeedReport): Record<string, unknown> {
  return { cores, model, node, database, mailSink };
}

function differencesOf(stored: Record<string, unknown>, fresh: Record<string, unknown>): string[] {
  return Object.entries(stored)
    .filter(([name, value]) => fresh[name] !== value)
    .map(([name, value]) => `${name}: ${String(value)}, now ${String(fresh[name])}`);
}
