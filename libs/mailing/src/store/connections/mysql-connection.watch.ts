import { UnsafeConnectionError } from '../../model/errors/database-setting.errors.js';
import { NO_ESCAPING } from './mysql.environment.js';

/** What `mysql2` tells of a command that it sends. */
interface Command {
  /** The whole text, with the values in it. Not every kind of command has one. */
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
  /** The way of every command, ours and the host's. */
  addCommand?: (this: WatchedConnection, command: Command) => Command;
  destroy?(): void;
}

/** Flags that the server sends with each answer that has no rows. */
const NO_BACKSLASH_ESCAPES = 0x0200;
const AUTOCOMMIT = 0x0002;

/** Only the beginning is looked at; a statement may be megabytes long. */
const BEGINNING = 200;

/**
 * The host sets something for the session. Not `SET TRANSACTION`, which TypeORM sends before each transaction of a data source with
 * an isolation level, nor `SET STATEMENT … FOR`, nor variables of the host's own.
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
 * Knows of one connection whether its settings may have changed since they were looked at, without asking the server.
 *
 * All commands of a connection go through `addCommand` of `mysql2`, the host's as well, and the answer to whatever changes the mode
 * of a session carries the new mode in its flags. So a statement that was formatted while backslashes still were escapes, but
 * stands in line behind one that changes the mode, is refused in the moment in which it would be sent.
 *
 * Where the driver has no `addCommand`, nothing can be watched; then every hold looks, for a statement each.
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

  /** Whether the settings have to be asked for before the next statement. */
  get mustLook(): boolean {
    return this.#isBlind || this.#mustLook || this.#isSuspicious();
  }

  /** Settings of the session that were made before the last look may be gone. */
  get numLooks(): number {
    return this.#numLooks;
  }

  /** Call it before the settings are asked for: what comes behind that makes another look necessary. */
  beginLook(): void {
    this.#mustLook = false;
    this.#numLooks++;
    this.#flags = null;
  }

  /** Call it if the settings could not be asked for, or are harmful. */
  distrust(): void {
    this.#mustLook = true;
  }

  /** Until the returned function is called, commands are the plugin's: those with values are refused once backslashes are no escapes. */
  hold(): () => void {
    this.#holds++;
    return () => void this.#holds--;
  }

  #isSuspicious(): boolean {
    return this.#flags !== null && !isSafe(this.#flags);
  }

  #beforeCommand(command: Command): void {
    if (typeof command.sql !== 'string') {
      // A change of the user, a reset, a prepared statement: all of them may change what was seen. To prepare one does not.
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
    // The host's rows come this way, too, where it reads them as a stream.
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
