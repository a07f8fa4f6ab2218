import { DataSource, type DataSourceOptions } from 'typeorm';
import {
  mailingEntities,
  mailingMigrations,
  setTestSeam,
  type TestControl,
} from '../../mailing/src/index.js';
import { MemoryDatabase } from './memory.database.js';
import { MemoryMailbox } from './memory.mailbox.js';
import { TestClock } from './test-clock.js';

/** The application that is running. */
export interface Running {
  dataSource: DataSource;
  control: TestControl;
}

/** Of the application. */
export interface ConnectOptions {
  /** Of the data source. */
  name?: string;
  entities: DataSourceOptions['entities'];
}

/** What outlives the applications of a test: a database, a mail server and a clock. */
export class Surroundings {
  readonly clock = new TestClock((ms) => this.running?.control.passTime(ms));
  readonly mailbox = new MemoryMailbox();
  readonly #database: MemoryDatabase;
  #running: Running | null = null;
  /** Resolves when the application that was killed last has ended its work. */
  dying: Promise<void> = Promise.resolve();

  constructor(driver: unknown) {
    this.#database = new MemoryDatabase(driver);
  }

  /** Null: none, or one that was closed or killed. */
  get running(): Running | null {
    return this.#running?.dataSource.isInitialized ? this.#running : null;
  }

  /** The data source of one application, ready, with all tables. */
  async connect(options: ConnectOptions): Promise<DataSource> {
    await this.dying;
    const dataSource = new DataSource({
      ...options,
      type: 'better-sqlite3',
      driver: this.#database.driver,
      database: ':memory:',
      migrations: mailingMigrations,
    });
    const { clock } = this;
    setTestSeam(dataSource, {
      get aheadMs() {
        return clock.aheadMs;
      },
      onStart: (control) => {
        this.#running = { dataSource, control };
      },
    });
    await dataSource.initialize();
    await dataSource.runMigrations();
    // The migrations have made those of the plugin, so they need not be compared.
    for (const entity of mailingEntities) dataSource.getMetadata(entity).synchronize = false;
    await dataSource.synchronize();
    return dataSource;
  }

  kill({ control }: Running): Promise<void> {
    this.#running = null;
    this.#database.cut();
    this.mailbox.cut();
    this.dying = control.abandon();
    return this.dying;
  }
}

const surroundings = new WeakMap<object, Surroundings>();

/** Those of a `MailingTesting`. */
export function surroundingsOf(testing: object): Surroundings {
  return surroundings.get(testing) as Surroundings;
}

export function surround(testing: object, driver: unknown): Surroundings {
  const made = new Surroundings(driver);
  surroundings.set(testing, made);
  return made;
}
