/** Of both servers. */
export const PAIR_DATABASE = 'newsletter';
/** The user of the application. Without the privileges that let one write to a server that is read-only. */
export const PAIR_USER = 'newsletter';

/** One of the two, as seen past the application. */
export interface PairedServer {
  /** Of the database, for the application. */
  readonly url: string;
  /** Rows of a statement. */
  ask(sql: string): Promise<Record<string, unknown>[]>;
  /** Ids of the application's sessions. */
  sessions(): Promise<string[]>;
}

/** Runs a step while nothing of the application arrives at the server, in a moment in which `isQuiet` says yes. */
export type Quietly = (isQuiet: () => Promise<boolean>, step: () => Promise<void>) => Promise<void>;

/** A primary server and another one that follows it and only reads, with the same database. */
export interface DatabasePair extends AsyncDisposable {
  readonly first: PairedServer;
  readonly second: PairedServer;
  /**
   * As those who run databases do it: the first server writes nothing any more, the second one has all that the first one
   * committed, and writes. Connections stay as they are, on both.
   *
   * @param quietly for a server where transactions that were begun before would still write.
   */
  swap(quietly: Quietly): Promise<void>;
  /** From now on the second server gets nothing of what the first one commits. */
  hold(): Promise<void>;
  /** `kill -9` of the first server, and the second one writes: commits since `hold` are lost. */
  loseFirst(): Promise<void>;
}

/** Undoes what was begun, the last first; also when the rest of a start fails. */
export async function withTeardown<T extends object>(
  build: (defer: (step: () => unknown) => void) => Promise<T>,
): Promise<T & AsyncDisposable> {
  const steps: (() => unknown)[] = [];
  const undo = async (): Promise<void> => {
    for (const step of steps.splice(0).reverse()) await step();
  };
  try {
    const built = await build((step) => steps.push(step));
    return { ...built, [Symbol.asyncDispose]: undo };
  } catch (error) {
    await undo();
    throw error;
  }
}
