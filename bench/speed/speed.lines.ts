import { FIGURE_OF } from './speed.measures.js';
import type { SpeedReport } from './speed.report.js';

/** A readable row for each contender and each figure of the plugin alone. */
export function linesOf(report: SpeedReport): string[] {
  const { mailerVsBare, mailerCpuVsBare, bulkVsBare, bulkVsBullmq, statementsPer1000Messages } = report;
  const { bulkJournalVsBare, bulkJournalVsLimit } = report;
  return [
    ...Object.keys(report.medians).map((contender) => contenderLine(report, contender)),
    ...Object.keys(report.limitedBy).map((contender) => limitLine(report, contender)),
    ...Object.values(FIGURE_OF)
      .filter((figure) => report[figure] !== null)
      .map((figure) => `${figure.padEnd(22)}${shown(report[figure])} (${spread(report, figure)})`),
    `bulk-journal / bare: ${shown(bulkJournalVsBare)}, bulk-journal / limit: ${shown(bulkJournalVsLimit)}`,
    `bulk / bare, far away: ${shown(report.far20msVsBare)}`,
    `bulk / bare: ${shown(bulkVsBare)}, bulk / bullmq: ${shown(bulkVsBullmq)}; ` +
      `statements of bulk for 1,000 messages: ${shown(statementsPer1000Messages)}`,
    `mailer / bare: ${shown(mailerVsBare)}, of its processor time: ${shown(mailerCpuVsBare)}`,
  ];
}

function contenderLine(report: SpeedReport, contender: string): string {
  const cpu = report.cpuSecondsPer1000[contender] ?? null;
  const bytes = report.bytesPerMessage[contender] ?? null;
  return [
    contender.padEnd(14),
    `${Math.round(report.medians[contender])} messages/s`.padStart(18),
    spread(report, contender).padStart(16),
    (cpu === null ? '' : `${cpu.toFixed(2)} s CPU/1,000`).padStart(20),
    (bytes === null ? '' : `${Math.round(bytes)} bytes`).padStart(12),
  ].join('');
}

/** Its limit, and the figures that show it. */
function limitLine({ limitedBy, cpuShares, spreads }: SpeedReport, contender: string): string {
  const { contender: own, store, mailServer, machine } = cpuShares[contender];
  const cores = (share: number | null): string => (share === null ? '–' : share.toFixed(2));
  const spread = spreads[contender];
  return [
    contender.padEnd(14),
    `limited by: ${limitedBy[contender]}`.padEnd(26),
    `cores of its process ${cores(own)}, its store ${cores(store)}, the mail server ${cores(mailServer)}; `,
    `machine busy ${machine === null ? '–' : `${Math.round(machine * 100)} %`}; `,
    `spread of its rounds ${spread === null ? '–' : `${(spread * 100).toFixed(1)} %`}`,
  ].join('');
}

function spread({ leastAndMost }: SpeedReport, name: string): string {
  return leastAndMost[name]
    .map((value) => shown(Math.abs(value) < 100 ? value : Math.round(value)))
    .join('–');
}

function shown(value: number | null): string {
  return value === null ? '–' : String(value);
}
