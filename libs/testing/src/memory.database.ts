import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  MailingTestingArgumentError,
  MailingTestingDriverError,
  MailingTestingRunningError,
  ProcessKilledError,
} from './mailing-testing.errors.js';

/** The part of a connection of better-sqlite3, and of what looks like it, that is used here. */
interface Connection {
  readonly inTransaction: boolean;
  exec(sql: string): unknown;
  prepare(sql: string): object;
}

type Method = (...args: unknown[]) => unknown;

/** As TypeORM opens a connection; older versions call it without `new`. */
export type Driver = (...args: unknown[]) => object;

/** The first of them that is installed is used. */
const PACKAGES = ['libsql', 'better-sqlite3'];

/** The build is CommonJS. As ES modules, which have no `__filename`, the sources run in this repository only, from its folder. */
const OWN_FILE = typeof __filename === 'string' ? __filename : join(process.cwd(), 'package.json');

/**
 * A database in memory that outlives the applications that use it, one after the other: SQLite keeps it as long as its connection is open, so each
 * application gets a stand-in of the one connection, which can be cut off from it.
 */
export class MemoryDatabase {
  readonly #given: unknown;
  #connection: Connection | null = null;
  #isOpen = false;
  /** Of the application that is running. */
  #line = {};

  /** @throws MailingTestingArgumentError if `driver` is no class. */
  constructor(driver: unknown) {
    if ((driver ?? null) !== null && typeof driver !== 'function')
      throw new MailingTestingArgumentError(
        'driver',
        'the class that better-sqlite3 or libsql exports',
        driver,
      );
    this.#given = driver ?? null;
  }

  /** What TypeORM takes as the driver of one application. */
  get driver(): Driver {
    const open = (): object => this.#open();
    return function openMemory() {
      return open();
    };
  }

  /** As a kill does: a transaction that is open is rolled back, and no later statement of the application has an effect. */
  cut(): void {
    this.#line = {};
    this.#isOpen = false;
    if (this.#connection?.inTransaction) this.#connection.exec('ROLLBACK');
  }

  #open(): object {
    if (this.#isOpen) throw new MailingTestingRunningError();
    this.#connection ??= new (loadDriver(this.#given))(':memory:');
    this.#isOpen = true;
    const line = (this.#line = {});
    const check = (): void => {
      if (line !== this.#line) throw new ProcessKilledError();
    };
    const close = (): void => {
      if (line === this.#line) this.#isOpen = false;
    };
    return guarded(this.#connection, check, { close });
  }
}

/** The same object, whose methods check first. Statements that it prepares do so, too: TypeORM keeps them. */
function guarded(target: object, check: () => void, own: Record<string, Method> = {}): object {
  const guard: object = new Proxy(target, {
    get: (_, name) => {
      if (Object.hasOwn(own, name as string)) return own[name as string];
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        check();
        const result = (value as Method).apply(target, args);
        if (result === target) return guard;
        return name === 'prepare' ? guarded(result as object, check) : result;
      };
    },
  });
  return guard;
}

/**
 * @param given of the host; null: the first of the packages that is installed.
 * @throws MailingTestingDriverError
 */
export function loadDriver(
  given: unknown,
  packages: readonly string[] = PACKAGES,
): new (path: string) => Connection {
  if (given !== null) return given as new (path: string) => Connection;
  const load = createRequire(OWN_FILE);
  // A part that is linked to is not in the application's folder.
  const loadOfHost = createRequire(join(process.cwd(), 'package.json'));
  const failures: unknown[] = [];
  for (const name of packages)
    for (const require of [loadOfHost, load])
      try {
        return require(name) as new (path: string) => Connection;
      } catch (error) {
        failures.push(error);
      }
  throw new MailingTestingDriverError(packages, failures[0]);
}
