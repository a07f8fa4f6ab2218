import { SourceWatch } from '../../model/host-calls/source-watch.js';
import type { Wait } from '../pacing/wait.js';

/** Why a source is read: for a mailing, whose id is null if it is not persisted, or for a preview. */
export type SourcePurpose = { mailingId: string | null } | 'preview';

/** A mailing whose source yields nothing. */
export interface SilentSource {
  mailingId: string | null;
  wait: Wait;
}

/** Watches all host sources that are read before a run begins: knows which are silent, and ends them after a timeout or with the process. */
export class SourceWatches {
  readonly #reading = new Map<SourceWatch, SourcePurpose>();
  #end: { reason: unknown } | null = null;

  /** @param timeoutMs longest wait for one entry. */
  constructor(private readonly timeoutMs: number) {}

  /** @throws errors of `read`; the reason given to `end`, at once if `end` was called before. */
  async during<T>(purpose: SourcePurpose, read: (watch: SourceWatch) => Promise<T>): Promise<T> {
    const watch = new SourceWatch(this.timeoutMs);
    if (this.#end) watch.end(this.#end.reason);
    this.#reading.set(watch, purpose);
    try {
      return await read(watch);
    } finally {
      this.#reading.delete(watch);
      watch.close();
    }
  }

  /** Ends all sources, including those that begin later. */
  end(reason: unknown): void {
    this.#end ??= { reason };
    for (const watch of this.#reading.keys()) watch.end(reason);
  }

  /** Ends the sources of one persisted mailing. */
  endOf(mailingId: string, reason: unknown): void {
    for (const [watch, purpose] of this.#reading) {
      if (purpose !== 'preview' && purpose.mailingId === mailingId) watch.end(reason);
    }
  }

  /** Mailings whose source has yielded nothing for `ms` or longer. */
  silentFor(ms: number): SilentSource[] {
    const before = performance.now() - ms;
    return [...this.#reading].flatMap(([{ wait }, purpose]) =>
      purpose !== 'preview' && wait !== null && wait.since < before ? [{ ...purpose, wait }] : [],
    );
  }
}
