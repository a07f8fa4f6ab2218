import type { Type } from '@nestjs/common';
import type { ProfileRepository } from './profile.repository.js';

/** How one mailing is sent. */
export interface RunOptions {
  /**
   * Messages of one mailing in flight at a time. Default: 5, as many connections as a nodemailer pool opens by
   * default. Bounds: 1 to 1000. Too low: a far mail server idles. Too high: messages queue inside the pool and
   * `messageTimeoutMs` runs while they do; some providers answer 421.
   */
  concurrency?: number;
  /**
   * Recipients of one mailing in state `sending` at a time, and so the most that a crash can leave in doubt. Default:
   * 2 × concurrency, so that a message is always at hand while a beat is being committed. Bounds: concurrency to
   * 100,000. Too high: more doubt after a crash.
   */
  maxInDoubt?: number;
  /**
   * Longest time from handing a message to the transport to its answer, in milliseconds. Default: 60,000. Bounds: 10
   * to 3,600,000. Too low: slow servers leave recipients in doubt. Too high: a stalled server holds a place that long.
   */
  messageTimeoutMs?: number;
  /**
   * Mailings that this process sends at a time; the others wait their turn. Default: 4. Bounds: 1 to 1000.
   * A crash leaves at most `parallelMailings` × `maxInDoubt` recipients in doubt.
   */
  parallelMailings?: number;
}

/** How this process shows that it lives, and how it ends. */
export interface ServerOptions {
  /**
   * Time between two heartbeats and two looks for work left behind, in milliseconds. Default: 5,000. Bounds: 20 to
   * 600,000. Too low: load on the database for nothing. Too high: see `serverTimeoutMs`.
   */
  heartbeatMs?: number;
  /**
   * A server without a heartbeat for this long is dead, in milliseconds, by the database's clock. Default: 20,000.
   * At least 3 heartbeats. Too low: a slow database makes healthy servers look dead. Too high: work of a dead server
   * on another host waits that long. All servers of one database need the same value.
   */
  serverTimeoutMs?: number;
  /**
   * Longest wait at shutdown for messages in flight, in milliseconds. Default: 10,000. Bounds: 0 to 600,000. Too low:
   * recipients are left in doubt by an orderly stop. Too high: the platform kills the process first.
   */
  shutdownTimeoutMs?: number;
}

/** Where templates live. */
export interface TemplateOptions {
  /** Absolute path of the template folder; nothing outside it is ever read. */
  dir: string;
}

/** What recovery does with recipients that a crash caught between hand-over and answer. */
export type InDoubtPolicy =
  /** Record the doubt, never send a second copy. */
  | 'leave'
  /** Send again: at least once, possibly twice. */
  | 'resend';

/** Options of `MailingModule.forRoot`; see the README for the whole table. */
export interface MailingModuleOptions {
  templates: TemplateOptions;
  /**
   * Name of this process among all that share the database, by convention `host:port`; at most 255 characters. It has
   * to stay the same over restarts, and no two live processes may share it. Default: the host name.
   */
  uniqServerId?: string;
  /**
   * Ids of dead servers whose mailings move here, at start and later as soon as their lease has run out; `['*']` adopts
   * from any dead server. Default: none, so that a copy of the production database on a test machine mails nobody.
   */
  migrationList?: string[];
  /** Default: `leave`. */
  inDoubt?: InDoubtPolicy;
  /** Turns profile ids into addresses; a provider of the host, or a class that Nest instantiates. */
  profileRepository?: Type<ProfileRepository>;
  /** One of the `transports` of `MailerModule`. Default: its default transport. */
  transporterName?: string;
  run?: RunOptions;
  server?: ServerOptions;
}

/** The options with every default filled in and every bound checked. */
export interface MailingSettings {
  templates: TemplateOptions;
  uniqServerId: string;
  migrationList: string[];
  inDoubt: InDoubtPolicy;
  profileRepository: Type<ProfileRepository> | null;
  transporterName: string | null;
  run: Required<RunOptions>;
  server: Required<ServerOptions>;
}

/** Injection token of the settings. */
export const MAILING_SETTINGS = Symbol('MAILING_SETTINGS');
