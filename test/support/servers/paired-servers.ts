/** Of both servers. */
export const PAIR_DATABASE = 'newsletter';
/** The application's user, without the privileges to write to a read-only server. */
export const PAIR_USER = 'newsletter';

/** One of the two servers, without the application. */
export interface PairedServer {
  /** Of the database, for the application. */
  readonly url: string;
  /** Rows of a statement. */
  ask(sql: string): Promise<Record<string, unknown>[]>;
  /** Ids of the application's sessions. */
  sessions(): Promise<string[]>;
}

/** Runs a step in a moment in which `isQuiet` holds, while nothing of the application reaches the server. */
export type Quietly = (isQuiet: () => Promise<boolean>, step: () => Promise<void>) => Promise<void>;

/** A primary server and a read-only replica of it. */
export interface DatabasePair extends AsyncDisposable {
  readonly first: PairedServer;
  readonly second: PairedServer;
  /**
   * A planned switchover: the first server becomes read-only, the second one catches up and takes writes. Connections to both stay open.
   *
   * @param quietly for a server where transactions begun before could still write.
   */
  swap(quietly: Quietly): Promise<void>;
  /** Holds replication: from now on the second server gets no commit of the first one. */
  hold(): Promise<void>;
  /** A failover: `kill -9` of the first server, and the second one takes writes. Commits since `hold` are lost. */
  loseFirst(): Promise<void>;
}

/** Undoes every step in reverse order, also if a later step of the start fails. */
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
