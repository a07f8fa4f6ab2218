import { z } from 'zod';

const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

const environment = z.object({
  /** 0: any free port. */
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  DATABASE_URL: z
    .string()
    .regex(
      /^(sqlite:|mysql:\/\/|mariadb:\/\/|postgres(ql)?:\/\/)./,
      'expected sqlite:path, mysql://…, mariadb://… or postgres://…',
    )
    .default('sqlite:newsletter.sqlite'),
  SMTP_URL: z
    .string()
    .regex(/^smtps?:\/\/./, 'expected smtp://… or smtps://…')
    .default('smtp://127.0.0.1:1025'),
  /** Of the CSV file of a newsletter. Too high: an upload fills the disk of the temporary folder. */
  NEWSLETTER_MAX_UPLOAD_BYTES: z.coerce.number().int().min(1_000).max(10_000_000_000).default(50_000_000),
  NEWSLETTER_MAX_UPLOAD_ROWS: z.coerce.number().int().min(1).max(100_000_000).default(500_000),
  /** Speaks SMTP by itself instead of through the mailer. */
  MAILING_BULK_SMTP: flag.default(false),
  MAILING_SERVER_ID: z.string().min(1).max(255).optional(),
  MAILING_MIGRATION_LIST: z.string().default('').transform(list),
  /** manual: what is in the database waits for `POST /resume`. */
  MAILING_RESUME: z.enum(['auto', 'manual']).default('auto'),
  MAILING_IN_DOUBT: z.enum(['leave', 'resend']).default('leave'),
  MAILING_CONCURRENCY: z.coerce.number().int().min(1).max(1000).default(5),
  /** Default: twice the concurrency. */
  MAILING_MAX_IN_DOUBT: z.coerce.number().int().min(1).max(100_000).optional(),
  /** A folder of this machine; none: no journal. */
  MAILING_JOURNAL_DIR: z.string().min(1).optional(),
  MAILING_HEARTBEAT_INTERVAL_MS: z.coerce.number().int().min(20).max(600_000).default(5_000),
  MAILING_IDLE_TRANSACTION_TIMEOUT_MS: z.coerce.number().int().min(0).max(3_600_000).optional(),
  /** At least three heartbeats. */
  MAILING_LEASE_MS: z.coerce.number().int().min(60).optional(),
  /** This server takes batches of every mailing in the database. */
  MAILING_TAKES_BATCHES: flag.default(false),
  /** A newsletter that does not say whether it is batched is. */
  MAILING_BATCH_IF_POSSIBLE: flag.default(false),
  MAILING_EMAILS_PER_BATCH: z.coerce.number().int().min(1).max(1_000_000).default(100),
  MAILING_BATCH_THREADS: z.coerce.number().int().min(1).max(1000).default(4),
  MAILING_POLL_INTERVAL_MS: z.coerce.number().int().min(20).max(600_000).default(1_000),
});

/** Everything this service reads from its environment, checked. */
export type HostConfiguration = z.infer<typeof environment>;

/** The environment could not be understood; the message names each variable. */
export class HostConfigurationError extends Error {}

/** @throws HostConfigurationError naming every variable that is wrong, what it should be, and never its value. */
export function readConfiguration(env: NodeJS.ProcessEnv): HostConfiguration {
  const result = environment.safeParse(env);
  if (result.success) return result.data;
  const complaints = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new HostConfigurationError(`The environment is wrong. ${complaints.join('; ')}`);
}
