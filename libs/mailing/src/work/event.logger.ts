import { reasonOf } from '../model/host-call.js';
import { Logger } from '@nestjs/common';
import { holderAdvice, holderInWords, type IdHolder } from '../model/id-holder.js';
import type { MailingEventMap, MailingEvents } from '../model/mailing-event.js';

type Level = 'debug' | 'log' | 'warn' | 'error';
type Line<K extends keyof MailingEventMap> = [Level, (facts: MailingEventMap[K]) => string];

/** One line for each event; the type makes a forgotten event an error. */
const LINES: { [K in keyof MailingEventMap]: Line<K> } = {
  'list:written': [
    'log',
    ({ mailingId, numProfiles, numDuplicates, numInvalid }) =>
      `${mailingId}: list of ${numProfiles} written, ${numDuplicates} duplicates dropped, ${numInvalid} invalid`,
  ],
  'list:failed': ['error', (f) => `${f.mailingId}: failed, nobody is mailed: ${f.reason}`],
  'run:started': [
    'log',
    (f) => `${id(f)}: sending, ${f.numSettled} of ${f.numProfiles ?? 'a stream'} settled`,
  ],
  'run:recovered': [
    'warn',
    ({ mailingId, numSettled, numProfiles, numInDoubt, resent }) =>
      `${mailingId}: resumed at ${numSettled} of ${numProfiles}, ${numInDoubt} caught in flight, ` +
      (resent ? 'sent again' : 'left in doubt'),
  ],
  'run:ended': [
    'log',
    (f) => `${id(f)}: ${f.status}, ${f.numSent} sent, ${f.numErrors} errors, ${f.numSkipped} skipped`,
  ],
  'batch:started': [
    'log',
    (f) => `${f.mailingId}/${f.startIdx}: sending, ${f.numSettled} of ${f.numProfiles} settled`,
  ],
  'batch:ended': [
    'log',
    (f) => `${f.mailingId}/${f.startIdx}: ${f.status === 'pending' ? 'free again' : f.status}`,
  ],
  'batch:freed': [
    'warn',
    (f) =>
      `${f.mailingId}/${f.startIdx}: freed, ${f.fromServerId} works on it no more, ${f.numInDoubt} caught in flight`,
  ],
  'mailing:ended': [
    'log',
    (f) =>
      `${f.mailingId}: ${f.status}, ${f.numSent} sent, ${f.numErrors} errors, ${f.numSkipped} skipped, in batches`,
  ],
  'run:lost': [
    'warn',
    (f) => `${id(f)}: somebody else works on it now; nothing more is written or sent for it here`,
  ],
  'run:failed': [
    'error',
    (f) => `${id(f)}: the run stopped and will be picked up again: ${reasonOf(f.error)}`,
  ],
  'run:beat-retried': [
    'warn',
    (f) =>
      `${id(f)}: the database failed (attempt ${f.attempt}), again in ${f.delayMs} ms: ${reasonOf(f.error)}`,
  ],
  'transport:down': [
    'warn',
    (f) =>
      `${id(f)}: the transport is down, nobody is charged for it, again in ${f.retryInMs} ms: ${f.reason}`,
  ],
  'run:stalled': [
    'error',
    (f) => `${id(f)}: the database can't be written; goes on when it can: ${reasonOf(f.error)}`,
  ],
  'transport:throttled': [
    'warn',
    (f) => `${id(f)}: the mail server wants less, now ${f.concurrency} at a time: ${f.reason}`,
  ],
  'transport:back': ['log', (f) => `the transport works again; ${f.numResumed} paused mailings go on`],
  'recipient:deferred': [
    'debug',
    (f) => `${id(f)}: recipient ${f.idx} refused for now (${f.code}), again in ${f.retryInMs} ms`,
  ],
  'recipient:settled': [
    'debug',
    (f) => `${id(f)}: recipient ${f.idx} ${f.status}${f.code ? ` (${f.code})` : ''}`,
  ],
  'recipient:unsubscribed': ['log', (f) => `${id(f)}: recipient ${f.idx} unsubscribed (${f.kind})`],
  'server:registered': ['log', (f) => `server ${f.uniqServerId} registered as ${f.incarnation}`],
  'server:standing-by': [
    'error',
    (f) =>
      `server ${f.uniqServerId} is in use by ${holderInWords(holderOf(f))}; standing by until that is gone. ` +
      holderAdvice(holderOf(f), f.serverTimeoutMs),
  ],
  'server:resume-awaited': [
    'warn',
    (f) =>
      `server ${f.uniqServerId} was started with resume: 'manual': ${f.numMailings} mailings with ${f.numRecipients} recipients left wait ` +
      'for a call of TemplateEmailRestarter.resume(); new mailings are sent',
  ],
  'server:resumed': ['log', (f) => `server ${f.uniqServerId} goes on with the mailings it had found`],
  'server:lost': [
    'error',
    (f) =>
      `server ${f.uniqServerId} was declared dead as ${f.incarnation}; its runs stop, it registers again`,
  ],
  'server:buried': [
    'warn',
    (f) => `server ${f.uniqServerId} is dead (${f.incarnation}): its work is free for others`,
  ],
  'server:trouble': [
    'error',
    (f) => `server ${f.uniqServerId}: ${f.step} failed, tried again: ${reasonOf(f.error)}`,
  ],
  'mailing:adopted': ['log', (f) => `${f.mailingId}: moved here from ${f.fromServerId}`],
  'mailing:unattended': [
    'warn',
    (f) => `${f.mailingId}: waits in batches, no server takes any; set enabledAsTemplateMailServer on one`,
  ],
  'mailing:paused': ['error', (f) => `${f.mailingId}: paused: ${f.reason}`],
  'mailing:ordered': ['log', (f) => `${f.mailingId}: ${f.order} asked for, now ${f.status}`],
  'profiles:trouble': [
    'warn',
    (f) => `profiles: ${f.what} of ${f.count} not written, again in ${f.retryInMs} ms: ${reasonOf(f.error)}`,
  ],
  'profiles:dropped': ['error', (f) => `profiles: ${f.what} of ${f.count} given up, never written`],
  'doubt:unresolved': [
    'error',
    (f) =>
      `${f.mailingId}: the resolver failed, ${f.numInDoubt} recipients stay in doubt: ${reasonOf(f.error)}`,
  ],
  'pool:requeues-disabled': [
    'log',
    ({ transporterName, was }) =>
      `transport ${transporterName ?? 'default'}: maxRequeues set from ${was} to 0, because a repetition by the pool ` +
      'would be a second copy',
  ],
  'journal:lost': [
    'error',
    (f) =>
      `the journal in ${f.dir} is given up, a crash leaves up to run.maxInDoubt recipients in doubt: ${reasonOf(f.error)}`,
  ],
  'database:risky-setting': [
    'warn',
    (f) =>
      `${f.setting} of the database is ${f.value}, expected ${f.expected}: ${f.consequence}. ${f.nextStep}`,
  ],
  'database:unsafe-connection': ['error', (f) => reasonOf(f.error)],
  'database:not-durable': [
    'warn',
    (f) =>
      `the database may forget commits in a power cut: ${f.setting} is ${f.value}, expected ${f.expected}`,
  ],
};

/** Turns every event into one log line; nothing else in the plugin writes to the log. */
export class EventLogger {
  readonly #logger = new Logger('Mailing');

  constructor(events: MailingEvents) {
    for (const name of Object.keys(LINES) as (keyof MailingEventMap)[]) this.#subscribe(events, name);
  }

  #subscribe<K extends keyof MailingEventMap>(events: MailingEvents, name: K): void {
    const [level, line] = LINES[name];
    events.on(name, (facts) => {
      // Most applications hide the debug level, and there is one such event for each recipient.
      if (Logger.isLevelEnabled(level)) this.#logger[level](line(facts));
    });
  }
}

function holderOf({ otherHost, otherPid, isThisProcess }: MailingEventMap['server:standing-by']): IdHolder {
  return { host: otherHost, pid: otherPid, isThisProcess };
}

function id({ mailingId }: { mailingId: string | null }): string {
  return mailingId ?? 'unpersisted mailing';
}
