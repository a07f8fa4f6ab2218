import { inspect } from 'node:util';
import { ConsoleLogger, Logger, type LoggerService, type LogLevel } from '@nestjs/common';
import type { MailingEventMap } from 'nestjs-mailing';
import { onTestFinished } from 'vitest';
import type { MailingApp } from './hosts/mailing-app.js';

const LEVELS: LogLevel[] = ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'];

/** Everything that a log shows of a value, in one line. */
export const printed = (value: unknown): string =>
  inspect(value, { depth: 10, breakLength: Infinity, compact: true });

/**
 * Collects, as texts, what the plugin reports from now on: every event as a listener gets it, and every log line with its context
 * and level.
 */
export function toldOf(app: MailingApp): { events: string[]; lines: string[]; levels: LogLevel[] } {
  const told = { events: [] as string[], lines: [] as string[], levels: [] as LogLevel[] };
  const emit = app.events.emit.bind(app.events);
  const heard = new Set<keyof MailingEventMap>();
  app.events.emit = (name, facts) => {
    if (!heard.has(name)) app.events.on(name, (given) => void told.events.push(`${name} ${printed(given)}`));
    heard.add(name);
    emit(name, facts);
  };
  const at =
    (level: LogLevel) =>
    (...parts: unknown[]): void => {
      told.levels.push(level);
      told.lines.push(parts.map((one) => (typeof one === 'string' ? one : printed(one))).join(' '));
    };
  Logger.overrideLogger(LEVELS);
  const logger = Object.fromEntries(LEVELS.map((level) => [level, at(level)]));
  Logger.overrideLogger(logger as unknown as LoggerService);
  onTestFinished(() => {
    Logger.overrideLogger(new ConsoleLogger());
    Logger.overrideLogger(['fatal']);
  });
  return told;
}
