import type { BenchDatabase } from './bench-database.js';
import type { MailingHostSettings } from './mailing-host.module.js';
import type { SpeedGround } from './speed/speed.ground.js';

export interface MeasureTask {
  recipients: number;
  smtpConnections: number;
  maxInDoubt: number;
  /** A fresh database, dropped afterwards. */
  database: BenchDatabase;
}

/** One figure of the plugin alone, taken once, with fresh processes. */
export type Measure = (ground: SpeedGround, task: MeasureTask) => Promise<number>;

/** A host as the contender `bulk` has it. */
export function bulkHost(
  { database, smtpConnections, maxInDoubt }: MeasureTask,
  smtpUrl: string,
): MailingHostSettings {
  return {
    databaseUrl: database.url,
    smtpUrl,
    serverId: 'mail:1',
    takesBatches: false,
    smtpConnections,
    concurrency: 2 * smtpConnections,
    maxInDoubt,
    bulkSmtp: true,
  };
}

/** So far away that a list is only written down. */
export const NOT_TODAY_MS = 24 * 60 * 60 * 1_000;
