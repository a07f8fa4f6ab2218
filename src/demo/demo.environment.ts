import type { EmbeddedInbox } from '../inbox/embedded-inbox.js';
import type { DemoOptions } from './demo.options.js';

const CONCURRENCY = 5;
const BATCH_THREADS = 2;

/** The most that one kill can leave in doubt: the messages in flight, as the journal tells them, of each batch that is being sent. */
export function maxInDoubtOf(servers: number): number {
  return CONCURRENCY * (servers > 1 ? BATCH_THREADS : 1);
}

/** Ids of the servers of one demo run; several demos may share a database. */
export function serverIdsOf(servers: number): string[] {
  const name = `demo-${process.pid}`;
  return servers === 1 ? [name] : Array.from({ length: servers }, (_, n) => `${name}-${n + 1}`);
}

/** The environment of one server of the demo. */
export function environmentOf(
  serverId: string,
  { servers, inDoubt, smtpUrl }: DemoOptions,
  databaseUrl: string,
  inbox: EmbeddedInbox | null,
  folder: string,
): Record<string, string> {
  return {
    PORT: '0',
    DATABASE_URL: databaseUrl,
    SMTP_URL: inbox?.urlFor(serverId) ?? String(smtpUrl),
    MAILING_SERVER_ID: serverId,
    // The journals stay beside the other files of the demo.
    XDG_STATE_HOME: folder,
    MAILING_IN_DOUBT: inDoubt,
    MAILING_CONCURRENCY: String(CONCURRENCY),
    // Enough for the largest list that the demo accepts.
    NEWSLETTER_MAX_UPLOAD_BYTES: '2000000000',
    NEWSLETTER_MAX_UPLOAD_ROWS: '10000000',
    ...(servers > 1 ? sharing() : {}),
  };
}

/** Small batches and short intervals, so that a takeover can be watched. Variables of the demo's own environment have priority. */
function sharing(): Record<string, string> {
  const {
    MAILING_HEARTBEAT_INTERVAL_MS = '250',
    MAILING_POLL_INTERVAL_MS = '100',
    MAILING_EMAILS_PER_BATCH = '50',
  } = process.env;
  return {
    MAILING_TAKES_BATCHES: 'true',
    MAILING_BATCH_THREADS: String(BATCH_THREADS),
    MAILING_HEARTBEAT_INTERVAL_MS,
    MAILING_POLL_INTERVAL_MS,
    MAILING_EMAILS_PER_BATCH,
  };
}
