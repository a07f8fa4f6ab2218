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
  /** Limit of a newsletter's CSV file. Too high: an upload fills the disk of the temporary folder. */
  NEWSLETTER_MAX_UPLOAD_BYTES: z.coerce.number().int().min(1_000).max(10_000_000_000).default(50_000_000),
  NEWSLETTER_MAX_UPLOAD_ROWS: z.coerce.number().int().min(1).max(100_000_000).default(500_000),
  /** Speaks SMTP itself, without the mailer. */
  MAILING_BULK_SMTP: flag.default(false),
  MAILING_SERVER_ID: z.string().min(1).max(255).optional(),
  MAILING_MIGRATION_LIST: z.string().default('').transform(list),
  /** manual: mailings in the database wait for `POST /resume`. */
  MAILING_RESUME: z.enum(['auto', 'manual']).default('auto'),
  MAILING_IN_DOUBT: z.enum(['leave', 'resend']).default('leave'),
  MAILING_CONCURRENCY: z.coerce.number().int().min(1).max(1000).default(5),
  /** Default: twice the concurrency. */
  MAILING_MAX_IN_DOUBT: z.coerce.number().int().min(1).max(100_000).optional(),
  /** A folder of this machine, or `off`. Absent: one in the state directory of the user. */
  MAILING_JOURNAL_DIR: z.string().min(1).optional(),
  MAILING_HEARTBEAT_INTERVAL_MS: z.coerce.number().int().min(20).max(600_000).default(5_000),
  MAILING_IDLE_TRANSACTION_TIMEOUT_MS: z.coerce.number().int().min(0).max(3_600_000).optional(),
  /** At least three heartbeats. */
  MAILING_LEASE_MS: z.coerce.number().int().min(60).optional(),
  /** This server takes batches of every mailing in the database. */
  MAILING_TAKES_BATCHES: flag.default(false),
  /** Newsletters are batched unless they say otherwise. */
  MAILING_BATCH_IF_POSSIBLE: flag.default(false),
  MAILING_EMAILS_PER_BATCH: z.coerce.number().int().min(1).max(1_000_000).default(100),
  MAILING_BATCH_THREADS: z.coerce.number().int().min(1).max(1000).default(4),
  MAILING_POLL_INTERVAL_MS: z.coerce.number().int().min(20).max(600_000).default(1_000),
});

/** Everything this service reads from its environment, checked. */
export type HostConfiguration = z.infer<typeof environment>;

/** The environment is invalid; the message names each wrong variable. */
export class HostConfigurationError extends Error {}

/** @throws HostConfigurationError naming every variable that is wrong and what it should be, never its value. */
export function readConfiguration(env: NodeJS.ProcessEnv): HostConfiguration {
  const result = environment.safeParse(env);
  if (result.success) return result.data;
  const complaints = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new HostConfigurationError(`The environment is wrong. ${complaints.join('; ')}`);
}
