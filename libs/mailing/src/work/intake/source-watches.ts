import { SourceWatch } from '../../model/host-calls/source-watch.js';
import type { Wait } from '../pacing/wait.js';

/** What a source is read for: a mailing, whose id is null where it is not persisted, or a preview. */
export type SourcePurpose = { mailingId: string | null } | 'preview';

/** A mailing whose source yields nothing. */
export interface SilentSource {
  mailingId: string | null;
  wait: Wait;
}

/** Watches over all sources of the host that are read before a run begins: knows which are silent, and ends them in time, and with the process. */
export class SourceWatches {
  readonly #reading = new Map<SourceWatch, SourcePurpose>();
  #end: { reason: unknown } | null = null;

  /** @param timeoutMs longest wait for one entry. */
  constructor(private readonly timeoutMs: number) {}

  /** @throws whatever `read` throws; what `end` was given, at once if that was before. */
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

  /** Ends all sources, also those that are begun later. */
  end(reason: unknown): void {
    this.#end ??= { reason };
    for (const watch of this.#reading.keys()) watch.end(reason);
  }

  /** Ends the sources of one persisted mailing that are being read. */
  endOf(mailingId: string, reason: unknown): void {
    for (const [watch, purpose] of this.#reading) {
      if (purpose !== 'preview' && purpose.mailingId === mailingId) watch.end(reason);
    }
  }

  /** Mailings whose source has yielded nothing for so long. */
  silentFor(ms: number): SilentSource[] {
    const before = performance.now() - ms;
    return [...this.#reading].flatMap(([{ wait }, purpose]) =>
      purpose !== 'preview' && wait !== null && wait.since < before ? [{ ...purpose, wait }] : [],
    );
  }
}
