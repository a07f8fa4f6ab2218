import { inspect } from 'node:util';
import { ConsoleLogger, Logger, type LogLevel } from '@nestjs/common';
import { onTestFinished } from 'vitest';
import type { MailingApp } from './mailing-app.js';

const LEVELS: LogLevel[] = ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'];

/** What the plugin tells from now on, in texts: every event with its facts, and every line of the log with what is printed behind it. */
export function toldOf(app: MailingApp): { events: string[]; lines: string[] } {
  const told = { events: [] as string[], lines: [] as string[] };
  const emit = app.events.emit.bind(app.events);
  app.events.emit = (name, facts) => {
    told.events.push(`${name} ${inspect(facts, { depth: 10 })}`);
    emit(name, facts);
  };
  const note = (...parts: unknown[]): void =>
    void told.lines.push(parts.map((one) => inspect(one)).join(' '));
  Logger.overrideLogger(LEVELS);
  Logger.overrideLogger({ log: note, error: note, warn: note, debug: note, verbose: note, fatal: note });
  onTestFinished(() => {
    Logger.overrideLogger(new ConsoleLogger());
    Logger.overrideLogger(['fatal']);
  });
  return told;
}
