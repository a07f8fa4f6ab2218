/** The state of a process among the servers of its database. */
export type ServerState =
  /** Its first heartbeat is still to come. */
  | 'starting'
  /** The id is its own, and its lease is fresh. */
  | 'member'
  /** Another live process uses its id; this process takes over when the other one is gone. */
  | 'standby'
  /** Its lease ran out, or its row is gone: it begins nothing before the next heartbeat that succeeds. */
  | 'lost';

/** The kinds of findings; their names stay the same over versions. */
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

/** A problem that will not solve itself, or not soon. */
export interface MailingFinding {
  code: MailingFindingCode;
  /** What the problem is, and what to do next. */
  message: string;
  /** At most 20 of the mailings concerned. */
  mailingIds?: string[];
  /** The server concerned. */
  serverId?: string;
}

/** The state of one server, and of the work that waits in its database. */
export interface MailingHealthReport {
  /** True if there are no findings. */
  isHealthy: boolean;
  server: {
    uniqServerId: string;
    /** Null while it is not a member. */
    incarnation: string | null;
    state: ServerState;
    /** Host of the process that uses the id of this server; null if it is not in `standby`. */
    otherHost: string | null;
    otherPid: number | null;
    takesBatches: boolean;
    /** It was started with `resume: 'manual'`, and `TemplateEmailRestarter.resume()` has not been called. */
    isWaitingForResume: boolean;
  };
  findings: MailingFinding[];
}
