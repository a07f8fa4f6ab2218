import type { DataSource } from 'typeorm';

/** One thing that the plugin works on in this process. */
export interface TestActivity {
  /** Null: a mailing that is not persisted, or not yet. */
  mailingId: string | null;
  /** What it waits for, in words. */
  waitsFor: string;
  /** Only the passing of time gives it something to do. */
  isResting: boolean;
}

/** What a test can do with a running plugin. Production never calls it. */
export interface TestControl {
  /** Everything that waits for a time has waited so many milliseconds longer, and looks again. */
  passTime(ms: number): void;
  /** Does now what is done with each heartbeat. Resolves when it is done; mailings that it begins go on by themselves. */
  sweep(): Promise<void>;
  /** Whether this process may work on a mailing that is not begun: it is its own, or in batches, and does not wait for `resume()`. */
  mayWorkOn(mailing: { mailingId: string; uniqServerId: string | null; isBatched: boolean }): boolean;
  /** What is under way in this process. */
  activities(): TestActivity[];
  /**
   * Ends all work as the death of the process would: nothing more is told to listeners and to the log, and nothing is handed over. The caller has
   * cut the plugin off from its database and its transport before.
   */
  abandon(): Promise<void>;
}

/**
 * What a test puts in place of the time that passes. Without one, the database's own clock counts, as it is.
 *
 * @example
 * ```ts
 * let hours = 0;
 * const dataSource = new DataSource({ type: 'better-sqlite3', database: ':memory:', entities: mailingEntities });
 * setTestSeam(dataSource, {
 *   get aheadMs() {
 *     return hours * 3_600_000;
 *   },
 *   onStart: (control) => console.log(control.activities()),
 * });
 * ```
 */
export interface TestSeam {
  /** How many milliseconds the clock is ahead of the database's; read for each statement. SQLite only. */
  readonly aheadMs: number;
  /** Called when the plugin starts on the data source. */
  onStart(control: TestControl): void;
}

const seams = new WeakMap<DataSource, TestSeam>();

/** Lets a test move the clock of a data source, and see what the plugin does. Call it before the plugin starts; `MailingTestingModule` does. */
export function setTestSeam(dataSource: DataSource, seam: TestSeam): void {
  seams.set(dataSource, seam);
}

/** Null in production. */
export function testSeamOf(dataSource: DataSource): TestSeam | null {
  return seams.get(dataSource) ?? null;
}
