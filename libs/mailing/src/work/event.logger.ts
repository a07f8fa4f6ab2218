import { Logger } from '@nestjs/common';
import { holderAdvice, holderInWords, type IdHolder } from '../model/errors/id-holder.js';
import type { MailingEventMap, MailingEvents } from '../model/reports/mailing-event.js';
import type { ReasonCount } from '../model/reports/mailing-overview.js';
import { toPublicText } from '../model/values/public-text.js';
import { RepeatedLines } from './repeated-lines.js';

type Level = 'verbose' | 'debug' | 'log' | 'warn' | 'error';

/** @param who the mailing: its id and its name. */
type Text<Facts> = (facts: Facts, who: string) => string;

interface Line<Facts> {
  level: Level;
  text: Text<Facts>;
  /** Tells faults of one mailing apart. Each fault is logged once, and then once a minute. Absent: each event is logged. */
  fault?: (facts: Facts) => string;
}

const line = <Facts>(level: Level, text: Text<Facts>): Line<Facts> => ({ level, text });
const fault = <Facts>(
  level: Level,
  text: Text<Facts>,
  which: (facts: Facts) => string = () => '',
): Line<Facts> => ({ level, text, fault: which });

/** What a run waits for, keyed by the first word of the pause reason. */
const OUTAGES: Record<string, string> = {
  transport: 'the mail server is out of reach',
  profiles: "the profiles can't be read",
  recipients: "its recipients can't be asked about",
};
const RECOVERED: Record<string, string> = {
  transport: 'the mail server works again',
  profiles: 'the profiles can be read again',
  recipients: 'its recipients can be asked about again',
  database: 'the database works again',
};

/** One log line for each event. The type makes a missing event a compile error. */
const LINES: { [K in keyof MailingEventMap]: Line<MailingEventMap[K]> } = {
  'list:written': line(
    'log',
    (f, who) =>
      `${who}: list of ${f.numProfiles} written, ${f.numDuplicates} duplicates dropped, ${f.numInvalid} invalid`,
  ),
  'list:failed': line('error', (f, who) => `${who}: failed, no recipient is mailed: ${f.reason}`),
  'run:started': line(
    'log',
    (f, who) => `${who}: begun, ${f.numSettled} of ${f.numProfiles ?? 'a stream'} settled`,
  ),
  'run:recovered': line(
    'warn',
    ({ numSettled, numProfiles, numInDoubt, isResent }, who) =>
      `${who}: resumed at ${numSettled} of ${numProfiles}, ${numInDoubt} caught in flight, ` +
      (isResent ? 'sent again' : 'left in doubt'),
  ),
  'run:ended': line('debug', (f, who) => `${who}: left as ${f.status}, ${countsOf(f)}`),
  'batch:started': line(
    'verbose',
    (f, who) => `${who}/${f.startIdx}: begun, ${f.numSettled} of ${f.numProfiles} settled`,
  ),
  'batch:ended': line(
    'debug',
    (f, who) => `${who}/${f.startIdx}: ${f.status === 'pending' ? 'free again' : f.status}`,
  ),
  'batch:freed': line(
    'warn',
    (f, who) =>
      `${who}/${f.startIdx}: freed, ${f.fromServerId} works on it no more, ${f.numInDoubt} caught in flight`,
  ),
  'mailing:progress': line(
    'log',
    (f, who) =>
      `${who}: ${f.numSent} of ${f.numProfiles} sent, ${f.numErrors} errors, ${f.numSkipped} skipped, ` +
      `${rateOf(f.ratePerSecond)}/s${f.remainingMs === null ? '' : `, about ${duration(f.remainingMs)} left`}`,
  ),
  'mailing:summary': line(
    'log',
    (f, who) => `${who}: ${f.status}, ${countsOf(f)} of ${f.numProfiles}${reasonsOf(f.reasons)}`,
  ),
  'mailing:ended': line('debug', (f, who) => `${who}: ${f.status} in batches, ${countsOf(f)}`),
  'run:fenced': line(
    'warn',
    (_, who) => `${who}: another server works on it now; nothing more is written or sent for it here`,
  ),
  'run:failed': fault(
    'error',
    (f, who) => `${who}: the run stopped and will be picked up again: ${f.reason}`,
  ),
  'run:commit-retried': fault(
    'warn',
    (f, who) => `${who}: the database failed (attempt ${f.attempt}), again in ${f.delayMs} ms: ${f.reason}`,
  ),
  'transport:down': fault(
    'warn',
    (f, who) =>
      `${who}: ${OUTAGES[f.what] ?? f.what}, no recipient is charged for it, again in ${f.retryInMs} ms: ${f.reason}`,
    ({ what }) => what,
  ),
  'outage:ended': line(
    'log',
    (f, who) => `${who}: ${RECOVERED[f.what] ?? `${f.what} works again`}, after ${duration(f.lastedMs)}`,
  ),
  'run:stalled': fault(
    'error',
    (f, who) => `${who}: the database can't be written; goes on when it can: ${f.reason}`,
  ),
  'transport:throttled': fault(
    'warn',
    (f, who) => `${who}: the mail server wants less, now ${f.concurrency} at a time: ${f.reason}`,
  ),
  'transport:recovered': line(
    'log',
    (f) => `the mail server works again; ${f.numResumed} mailings that were paused for it go on`,
  ),
  'recipient:deferred': line(
    'verbose',
    (f, who) => `${who}: recipient ${f.idx} refused for now (${f.code}), again in ${f.retryInMs} ms`,
  ),
  'recipient:settled': line(
    'verbose',
    (f, who) => `${who}: recipient ${f.idx} ${f.status}${f.code ? ` (${f.code})` : ''}`,
  ),
  'recipient:unsubscribed': line('log', (f, who) => `${who}: recipient ${f.idx} unsubscribed (${f.kind})`),
  'server:registered': line('log', (f) => `server ${f.uniqServerId} registered as ${f.incarnation}`),
  'server:ephemeral-id': line(
    'warn',
    (f) =>
      `server ${f.uniqServerId} is named after its container: when that is replaced, its unfinished mailings wait for its name. ` +
      "Set migrationList: ['*'], or give it a uniqServerId that stays (docs/deployment.md)",
  ),
  'server:standby': line(
    'error',
    (f) =>
      `server ${f.uniqServerId} is in use by ${holderInWords(holderOf(f))}; standing by until that is gone. ` +
      holderAdvice(holderOf(f), f.leaseMs),
  ),
  'server:resume-awaited': line(
    'warn',
    (f) =>
      `server ${f.uniqServerId} was started with resume: 'manual': ${f.numMailings} mailings with ${f.numRecipients} recipients left wait ` +
      'for a call of TemplateEmailRestarter.resume(); new mailings are sent',
  ),
  'server:resumed': line('log', (f) => `server ${f.uniqServerId} goes on with the mailings it had found`),
  'server:lost': line(
    'error',
    (f) =>
      `server ${f.uniqServerId} was declared dead as ${f.incarnation}; its runs stop, it registers again`,
  ),
  'server:pruned': line(
    'warn',
    (f) => `server ${f.uniqServerId} is dead (${f.incarnation}): its work is free for others`,
  ),
  'server:error': fault(
    'error',
    (f) => `server ${f.uniqServerId}: ${f.step} failed, tried again: ${f.reason}`,
    ({ step }) => step,
  ),
  'server:recovered': line(
    'log',
    (f) => `server ${f.uniqServerId}: ${f.step} works again, after ${duration(f.lastedMs)}`,
  ),
  'mailing:joined': line('log', (_, who) => `${who}: begun here, in batches`),
  'mailing:adopted': line('log', (f, who) => `${who}: moved here from ${f.fromServerId}`),
  'mailing:unclaimed': fault(
    'warn',
    (_, who) => `${who}: waits in batches, no server takes any; set enabledAsTemplateMailServer on one`,
  ),
  'mailing:paused': line('error', (f, who) => `${who}: paused: ${f.reason}`),
  'mailing:command': line('log', (f, who) => `${who}: ${f.command} asked for, now ${f.status}`),
  'profiles:error': fault(
    'warn',
    (f) => `profiles: ${f.what} of ${f.count} not written, again in ${f.retryInMs} ms: ${f.reason}`,
    ({ what }) => what,
  ),
  'profiles:dropped': fault(
    'error',
    (f) => `profiles: ${f.what} of ${f.count} given up, never written`,
    ({ what }) => what,
  ),
  'in-doubt:settled': line(
    'log',
    (f, who) =>
      `${who}: of recipients in doubt, ${f.numSent} are recorded as sent and ${f.numRetried} are tried again: their answers could not be written before`,
  ),
  'in-doubt:unresolved': fault(
    'error',
    (f, who) => `${who}: the resolver failed, ${f.numInDoubt} recipients stay in doubt: ${f.reason}`,
  ),
  'pool:requeues-disabled': line(
    'log',
    ({ transporterName, was }) =>
      `transport ${transporterName ?? 'default'}: maxRequeues set from ${was} to 0, because a repetition by the pool ` +
      'would be a second copy',
  ),
  'journal:enabled': line('log', (f) => `the journal of this process is in ${f.dir}`),
  'journal:unavailable': line(
    'log',
    (f) =>
      `there is no journal, so a crash leaves up to run.maxInDoubt recipients in doubt: ${f.reason}. ` +
      'Name a folder in the option journal.dir, or give journal: false',
  ),
  'journal:disabled': line(
    'error',
    (f) =>
      `the journal in ${f.dir} is given up, a crash leaves up to run.maxInDoubt recipients in doubt: ${f.reason}`,
  ),
  'database:risky-setting': line(
    'warn',
    (f) =>
      `${f.setting} of the database is ${f.value}, expected ${f.expected}: ${f.consequence}. ${f.nextStep}`,
  ),
  'database:unsafe-connection': fault('error', (f) => f.reason),
  'database:read-only': fault('warn', (f) => f.reason),
  'database:failed-over': line('warn', ({ numAwaited }) =>
    numAwaited === 0
      ? 'the database has failed over, and all servers are there: work goes on'
      : `the database has failed over: nothing new is begun before ${numAwaited} other servers have had a heartbeat there`,
  ),
  'database:rewound': line(
    'error',
    (f, who) =>
      `${who}: the database rewound to commit ${f.seen}, and this server has committed ${f.committed}; ${f.numRestored} recipients are ` +
      `recorded again, ${f.numInDoubt} are in doubt. A failover has lost commits: see docs/failover.md`,
  ),
  'database:not-durable': line(
    'warn',
    (f) =>
      `the database may forget commits in a power cut: ${f.setting} is ${f.value}, expected ${f.expected}`,
  ),
};

/** Off by default: these occur once per recipient, and Nest prints every level unless the host names the levels. */
const OF_RECIPIENTS: readonly string[] = ['recipient:settled', 'recipient:deferred'];

/** Faults of a run that end when what the run waits for works again. */
const OF_OUTAGES = ['transport:down', 'transport:throttled', 'run:commit-retried', 'run:stalled'] as const;

/** Limit of the remembered mailing names. */
const MAX_NAMES = 1_000;

/** Turns events into log lines; nothing else in `libs/mailing` writes to the log. */
export class EventLogger {
  readonly #logger = new Logger('Mailing');
  readonly #repeated = new RepeatedLines();
  readonly #names = new Map<string, string>();

  constructor(events: MailingEvents, { logRecipients }: { logRecipients: boolean }) {
    for (const name of Object.keys(LINES) as (keyof MailingEventMap)[]) {
      if (logRecipients || !OF_RECIPIENTS.includes(name)) this.#subscribe(events, name);
    }
    events.on('outage:ended', (facts) => this.#forgetOutage(facts));
    events.on('server:recovered', ({ step }) => this.#repeated.forget(faultOf('server:error', '', step)));
  }

  #subscribe<K extends keyof MailingEventMap>(events: MailingEvents, name: K): void {
    const { level, text, fault: which } = LINES[name];
    events.on(name, (facts) => {
      const who = this.#whoOf(facts);
      // Not asked whether the level is shown: Nest 11 says no where the host has named no levels, and shows all of them.
      const numHidden = which ? this.#repeated.next(faultOf(name, who, which(facts))) : 0;
      if (numHidden === null) return;
      const more = numHidden === 0 ? '' : ` (${numHidden} more times since the last line)`;
      this.#logger[level](text(facts, who) + more);
    });
  }

  /** Logs the next fault of this outage at once. */
  #forgetOutage(facts: MailingEventMap['outage:ended']): void {
    const who = this.#whoOf(facts);
    for (const name of OF_OUTAGES) {
      for (const which of ['', facts.what]) this.#repeated.forget(faultOf(name, who, which));
    }
  }

  /** Names the mailing in a log line. Few events carry the mailing's name, so names are remembered. */
  #whoOf(facts: object): string {
    const { mailingId, name } = facts as { mailingId?: string | null; name?: string | null };
    if (mailingId === undefined) return '';
    if (mailingId === null) return name ? `unpersisted mailing (${nameOf(name)})` : 'unpersisted mailing';
    if (name && !this.#names.has(mailingId)) this.#remember(mailingId, nameOf(name));
    const known = this.#names.get(mailingId);
    return known ? `${mailingId} (${known})` : mailingId;
  }

  #remember(mailingId: string, name: string): void {
    this.#names.set(mailingId, name);
    if (this.#names.size > MAX_NAMES) this.#names.delete(this.#names.keys().next().value as string);
  }
}

function faultOf(name: string, who: string, which: string): string {
  return `${name} ${who} ${which}`;
}

function nameOf(name: string): string {
  return toPublicText(name).slice(0, 100);
}

function countsOf(f: { numSent: number; numErrors: number; numSkipped: number }): string {
  return `${f.numSent} sent, ${f.numErrors} errors, ${f.numSkipped} skipped`;
}

function reasonsOf(reasons: readonly ReasonCount[]): string {
  if (reasons.length === 0) return '';
  const most = reasons.map(({ status, code, count }) => `${code ?? status} (${count})`);
  return `; most often ${most.join(', ')}`;
}

function rateOf(perSecond: number): string {
  return perSecond >= 10 ? String(Math.round(perSecond)) : perSecond.toFixed(1);
}

/** Rounded to the largest one or two units. */
function duration(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function holderOf({ otherHost, otherPid, isThisProcess }: MailingEventMap['server:standby']): IdHolder {
  return { host: otherHost, pid: otherPid, isThisProcess };
}
