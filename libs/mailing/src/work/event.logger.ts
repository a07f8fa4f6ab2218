import { Logger } from '@nestjs/common';
import type { MailingEventMap, MailingEvents } from '../model/mailing-event.js';

/** Turns every event into one log line; nothing else in the plugin writes to the log. */
export class EventLogger {
  readonly #logger = new Logger('Mailing');

  constructor(events: MailingEvents) {
    const say = <K extends keyof MailingEventMap>(
      name: K,
      level: 'debug' | 'log' | 'warn' | 'error',
      line: (facts: MailingEventMap[K]) => string,
    ): void => {
      events.on(name, (facts) => this.#logger[level](line(facts)));
    };
    say('list:written', 'log', (f) => `${f.mailingId}: list of ${f.numProfiles} written, ${f.numDuplicates} duplicates dropped, ${f.numInvalid} invalid`);
    say('list:failed', 'error', (f) => `${f.mailingId}: failed, nobody is mailed: ${f.reason}`);
    say('run:started', 'log', (f) => `${id(f)}: sending, ${f.numSettled} of ${f.numProfiles ?? 'a stream'} settled`);
    say('run:recovered', 'warn', (f) => `${id(f)}: resumed at ${f.numSettled} of ${f.numProfiles}, ${f.numInDoubt} caught in flight, ${f.resent ? 'sent again' : 'left in doubt'}`);
    say('run:ended', 'log', (f) => `${id(f)}: ${f.status}, ${f.numSent} sent, ${f.numErrors} errors, ${f.numSkipped} skipped`);
    say('run:lost', 'warn', (f) => `${id(f)}: somebody else works on it now; this process writes and sends nothing more for it`);
    say('run:failed', 'error', (f) => `${id(f)}: the run stopped and will be picked up again: ${text(f.error)}`);
    say('run:beat-retried', 'warn', (f) => `${id(f)}: the database failed (attempt ${f.attempt}), again in ${f.delayMs} ms: ${text(f.error)}`);
    say('transport:down', 'warn', (f) => `${id(f)}: the transport is down, nobody is charged for it, again in ${f.retryInMs} ms: ${f.reason}`);
    say('recipient:settled', 'debug', (f) => `${id(f)}: recipient ${f.idx} ${f.status}${f.code ? ` (${f.code})` : ''}`);
    say('server:registered', 'log', (f) => `server ${f.uniqServerId} registered as ${f.incarnation}`);
    say('server:standing-by', 'error', (f) => `server ${f.uniqServerId} is in use by process ${f.otherPid} on ${f.otherHost}; standing by until it is gone. Give each process a uniqServerId of its own`);
    say('server:lost', 'error', (f) => `server ${f.uniqServerId} was declared dead as ${f.incarnation}; its runs stop, it registers again`);
    say('server:trouble', 'error', (f) => `server ${f.uniqServerId}: ${f.step} failed, tried again: ${text(f.error)}`);
    say('mailing:adopted', 'log', (f) => `${id(f)}: moved here from ${f.fromServerId}`);
    say('mailing:paused', 'error', (f) => `${id(f)}: paused: ${f.reason}`);
    say('pool:requeues-disabled', 'log', (f) => `transport ${f.transporterName ?? 'default'}: maxRequeues set from ${f.was} to 0, because a repetition by the pool would be a second copy`);
    say('database:not-durable', 'warn', (f) => `the database may forget commits in a power cut: ${f.setting} is ${f.value}, expected ${f.expected}`);
  }
}

function id({ mailingId }: { mailingId: string | null }): string {
  return mailingId ?? 'unpersisted mailing';
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
