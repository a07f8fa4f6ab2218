/** Where a process stands among the servers of its database. */
export type ServerState =
  /** Its first heartbeat is still to come. */
  | 'starting'
  /** The id is its own, and its lease is fresh. */
  | 'member'
  /** Another live process has its id; it takes over when that is gone. */
  | 'standby'
  /** Its lease ran out, or its row is gone: it begins nothing before the next heartbeat that succeeds. */
  | 'lost';

/** What a finding is about; names that stay the same over versions. */
export type MailingFindingCode =
  | 'server_standby'
  | 'lease_lost'
  | 'database_unreachable'
  | 'database_unsafe'
  | 'database_read_only'
  | 'resume_awaited'
  | 'mailings_orphaned'
  | 'batches_unclaimed'
  | 'mailings_paused'
  | 'mailings_overdue'
  | 'mailing_stalled';

/** The most ids of mailings in one finding. */
export const MAX_IDS = 20;

/** Something that will not come right by itself, or not soon. */
export interface MailingFinding {
  code: MailingFindingCode;
  /** What it is, and what to do next. */
  message: string;
  /** The first `MAX_IDS` that are concerned. */
  mailingIds?: string[];
  /** The server that is concerned. */
  serverId?: string;
}

/** How one server finds itself, and what waits in its database. */
export interface MailingHealthReport {
  /** True if there are no findings. */
  isHealthy: boolean;
  server: {
    uniqServerId: string;
    /** Null while it is not a member. */
    incarnation: string | null;
    state: ServerState;
    /** Of the process it stands by for. */
    otherHost: string | null;
    otherPid: number | null;
    takesBatches: boolean;
    /** It was started with `resume: 'manual'`, and `TemplateEmailRestarter.resume()` has not been called. */
    isWaitingForResume: boolean;
  };
  findings: MailingFinding[];
}
