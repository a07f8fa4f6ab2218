import { UnsafeConnectionError } from '../../model/errors/database-setting.errors.js';
import { NO_ESCAPING } from './mysql.environment.js';

/** The part of a command of `mysql2` that is used. */
interface Command {
  /** The whole text, with its values. Not every kind of command has one. */
  sql?: unknown;
  /** The text of a statement that is only prepared. */
  query?: unknown;
  values?: unknown;
  start(packet: unknown, connection: unknown): unknown;
  onResult?(error: Error): void;
  on(event: 'result', listener: (answer: unknown) => void): unknown;
}

/** The part of a connection of `mysql2` that is watched. */
export interface WatchedConnection {
  /** Every command goes through it, the plugin's and the host's. */
  addCommand?: (this: WatchedConnection, command: Command) => Command;
  destroy?(): void;
}

/** Flags that the server sends with each answer that has no rows. */
const NO_BACKSLASH_ESCAPES = 0x0200;
const AUTOCOMMIT = 0x0002;

/** Number of characters that are checked; a statement may be megabytes long. */
const BEGINNING = 200;

/**
 * Matches a statement by which the host sets something for the session. Not matched: `SET TRANSACTION`, which TypeORM sends before each transaction
 * of a data source with an isolation level; `SET STATEMENT … FOR`; user variables.
 */
const SETS =
  /^(?:\s|\/\*![0-9]*|\/\*(?!!)[^*]*\*\/)*SET\s+(?!TRANSACTION\s|(?:SESSION|LOCAL)\s+TRANSACTION\s|STATEMENT\s|@[^@])/i;

const watches = new WeakMap<WatchedConnection, MysqlConnectionWatch>();

/** One watch for each connection, however many data sources, modules and runners use it. */
export function watchOf(connection: WatchedConnection): MysqlConnectionWatch {
  let watch = watches.get(connection);
  if (!watch) watches.set(connection, (watch = new MysqlConnectionWatch(connection)));
  return watch;
}

/**
 * Knows, without asking the server, whether the settings of one connection may have changed since they were read.
 *
 * All commands of a connection go through `addCommand` of `mysql2`, the host's too, and the answer to a command that changes the mode of a session
 * carries the new mode in its flags. So a statement that was formatted while backslashes still were escapes, but is queued behind one that changes
 * the mode, is refused at the moment at which it would be sent.
 *
 * If the driver has no `addCommand`, nothing can be watched; then every hold reads the settings, with one statement each.
 */
export class MysqlConnectionWatch {
  #mustLook = true;
  #numLooks = 0;
  #flags: number | null = null;
  #holds = 0;
  readonly #isBlind: boolean;

  constructor(connection: WatchedConnection) {
    const add = connection.addCommand;
    this.#isBlind = typeof add !== 'function';
    if (!add) return;
    connection.addCommand = (command) => {
      this.#beforeCommand(command);
      return add.call(connection, command);
    };
  }

  /** Whether the settings must be read before the next statement. */
  get mustLook(): boolean {
    return this.#isBlind || this.#mustLook || this.#isSuspicious();
  }

  /** Number of times that the settings were read. Settings of the session that were made before the last time may be gone. */
  get numLooks(): number {
    return this.#numLooks;
  }

  /** Call it before the settings are read: a change after this call makes another reading necessary. */
  beginLook(): void {
    this.#mustLook = false;
    this.#numLooks++;
    this.#flags = null;
  }

  /** Call it if the settings could not be read, or are harmful. */
  distrust(): void {
    this.#mustLook = true;
  }

  /** Until the returned function is called, all commands count as the plugin's: those with values are refused once backslashes no longer escape. */
  hold(): () => void {
    this.#holds++;
    return () => void this.#holds--;
  }

  #isSuspicious(): boolean {
    return this.#flags !== null && !isSafe(this.#flags);
  }

  #beforeCommand(command: Command): void {
    if (typeof command.sql !== 'string') {
      // A change of the user, a reset, or the execution of a prepared statement may change the settings. Preparing a statement does not.
      if (typeof command.query !== 'string') this.#mustLook = true;
      return;
    }
    command.on('result', (answer) => this.#note(answer));
    if (this.#holds === 0) {
      if (SETS.test(command.sql.slice(0, BEGINNING))) this.#mustLook = true;
    } else if (Array.isArray(command.values) && command.values.length > 0) {
      this.#refuseIfUnsafe(command);
    }
  }

  #note(answer: unknown): void {
    const { serverStatus, affectedRows } = (answer ?? {}) as {
      serverStatus?: unknown;
      affectedRows?: unknown;
    };
    // Rows that the host reads as a stream arrive here, too; only an answer without rows has `affectedRows`.
    if (typeof serverStatus === 'number' && affectedRows !== undefined) this.#flags = serverStatus;
  }

  #refuseIfUnsafe(command: Command): void {
    const start = command.start.bind(command);
    command.start = (packet, connection) => {
      if (this.#flags === null || (this.#flags & NO_BACKSLASH_ESCAPES) === 0)
        return start(packet, connection);
      command.onResult?.(new UnsafeConnectionError(NO_ESCAPING));
      return null;
    };
  }
}

function isSafe(flags: number): boolean {
  return (flags & NO_BACKSLASH_ESCAPES) === 0 && (flags & AUTOCOMMIT) !== 0;
}
