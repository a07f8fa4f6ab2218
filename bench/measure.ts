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

/** Measures one figure of the plugin alone, once, with fresh processes. */
export type Measure = (ground: SpeedGround, task: MeasureTask) => Promise<number>;

/** The host of the contender `bulk`. */
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

/** So late that a list is only written. */
export const NOT_TODAY_MS = 24 * 60 * 60 * 1_000;
