import type { INestApplicationContext } from '@nestjs/common';
import { type MailingEventMap, MailingEvents } from 'nestjs-mailing';

/** The reports to a parent process that started this service with an IPC channel. */
export type HostReport =
  | { name: 'listening'; facts: { url: string } }
  | { [K in ReportedEvent]: { name: K; facts: MailingEventMap[K] } }[ReportedEvent];

/** The events that are reported. */
export const REPORTED = [
  'list:written',
  'run:started',
  'run:recovered',
  'run:ended',
  'run:fenced',
  'run:failed',
  'run:commit-retried',
  'transport:down',
  'batch:started',
  'batch:freed',
  'mailing:ended',
  'mailing:adopted',
  'mailing:paused',
  'server:registered',
  'server:standby',
  'server:resume-awaited',
  'server:resumed',
  'server:lost',
  'server:pruned',
] as const;
export type ReportedEvent = (typeof REPORTED)[number];

/** Reports the milestones of mailings to the parent process, if there is one: the demo and the tests use them. */
export function reportToParent(app: INestApplicationContext): void {
  if (!process.send) return;
  const events = app.get(MailingEvents);
  for (const name of REPORTED) {
    events.on(name, (facts) => {
      // The parent may be gone; the service goes on without it. The `error` of an event is not enumerable and stays here; its `reason` is sent.
      if (process.connected) process.send?.({ name, facts });
    });
  }
}
