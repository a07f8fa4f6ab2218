import type { SpeedReport } from '../speed/speed.report.js';

/** How one figure is compared. */
interface Meaning {
  better: 'more' | 'less';
  /** A difference that is never a regression, because near zero its share says nothing. */
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
  settledPerSecond: { better: 'more' },
  liveHeapGrowthMb: { better: 'less', slack: 1 },
  resumeFirstMessageMs: { better: 'less', slack: 50 },
  statementsPer1000Messages: { better: 'less' },
};

/** For records of figures: the rule of each of them. */
const GROUPS: Record<string, Meaning> = {
  cpuSecondsPer1000: { better: 'less' },
  medians: { better: 'more' },
};

/** Only contenders of the plugin. Changes of others show in the ratios. */
const OURS = /^(far-)?(mailer|bulk)/;

/** Settings that must be the same for figures of two runs to be comparable. */
const SETTINGS = [
  'maxInDoubt',
  'recipients',
  'smtpConnections',
  'farMs',
  'farRecipients',
  'listRecipients',
  'progressRecipients',
  'attachmentKb',
] as const;

export interface Regression {
  /** Name in the report, with a dot if it is in a group. */
  figure: string;
  stored: number;
  fresh: number;
  /** By how much it is worse, as a share of the stored figure. */
  by: number;
}

export interface Comparison {
  regressions: Regression[];
  numCompared: number;
  /** Stored figures that were not measured. */
  missing: string[];
  /** Different settings, so nothing can be compared. */
  otherSettings: string[];
  /** Different facts of the machine, which may explain a difference of figures. */
  otherMachine: string[];
}

/** @param threshold the share of the stored figure from which a change for the worse is a regression. */
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
