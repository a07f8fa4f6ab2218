import { ModuleContext } from '../../model/host-calls/async-context.js';
import type { TestActivity } from '../../model/ports/test-seam.js';
import { endsWithin } from '../../model/values/deadline.js';
import type { MailingRun } from './mailing-run.js';
import type { WorkerSlot } from './mailing-run.parts.js';
import { SlotReleases } from '../pacing/slot-releases.js';
import type { Wait } from '../pacing/wait.js';

/** The worker slot of a run, and its link to the registry. */
export interface RegisteredSlot extends WorkerSlot {
  /** Registers the run, so that it can be stopped. */
  announce(run: MailingRun): void;
}

/** Work that ends with a result. */
export type Work<T> = (workerSlot: RegisteredSlot) => Promise<T>;

/** `wait`: waits for a slot. `at_once`: goes ahead of all others. `apart`: takes no slot, because its slots are counted elsewhere. */
export type Turn = 'wait' | 'at_once' | 'apart';

/** A run that was cut off has this long to write what is known of its messages. */
const CUT_OFF_MS = 2_000;

interface Entry {
  mailingId: string;
  result: Promise<unknown>;
  run: MailingRun | null;
  since: number;
  /** Set while it waits for a slot; goes ahead of all others. */
  dispatch: (() => void) | null;
}

/**
 * The runs of this process. Each mailing has at most one. Starting a mailing that is being worked on returns the same result.
 *
 * Of `maxConcurrentMailings` slots, each run takes one; the next runs wait in order of arrival. A run that waits long, for a recipient's next attempt
 * or for the host, takes no slot meanwhile. It goes on at once when that wait ends, and a command is carried out at once: so for a moment more runs
 * may work than there are slots. Batches are registered too, but take no slots: the dispatcher limits their number.
 */
export class RunRegistry {
  readonly #entries = new Map<string, Entry>();
  readonly #waiting: (() => void)[] = [];
  #working = 0;
  readonly #stop = new AbortController();

  constructor(
    private readonly maxConcurrentMailings: number,
    private readonly context = new ModuleContext(),
  ) {}

  get isStopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Aborts when the process begins no more work. */
  get stopSignal(): AbortSignal {
    return this.#stop.signal;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Resolves when a mailing that is worked on here, or waits for its turn, has ended. */
  find(key: string): Promise<unknown> | null {
    return this.#entries.get(key)?.result ?? null;
  }

  /**
   * A command is in the progress row: the runs of this mailing begin nothing more from now on. A run that waits for a slot starts at once to carry
   * the command out, because it sends nothing.
   */
  drain(mailingId: string): void {
    for (const entry of this.#of(mailingId)) {
      entry.run?.drain();
      entry.dispatch?.();
    }
  }

  /** The database answers: stalled runs go on. */
  resumeStalled(): void {
    for (const { run } of this.#entries.values()) run?.resumeStalled();
  }

  /** The progress row may have changed: the runs of this mailing read it now, whatever they wait for. */
  wake(mailingId: string): void {
    for (const { run } of this.#of(mailingId)) run?.wake();
  }

  /** What the runs of this mailing wait for; empty if this process does not work on it. */
  waitsOf(mailingId: string): Wait[] {
    return [...this.#of(mailingId)].map(({ run, dispatch, since }) => {
      const what = dispatch
        ? 'its turn (run.maxConcurrentMailings)'
        : 'its templates, or the answer of inDoubt';
      return run?.waits.now ?? { what, since };
    });
  }

  /**
   * Runs that have waited for `ms` or longer: persisted runs only for an outage, runs of mailings that are not persisted for anything, because
   * nothing else reports them. Their `mailingId` is null.
   */
  lasting(ms: number): { mailingId: string | null; wait: Wait }[] {
    const before = performance.now() - ms;
    return [...this.#entries.values()].flatMap(({ mailingId, run }) => {
      if (!run) return [];
      const { isPersisted, now, outage } = run.waits;
      const wait = isPersisted ? outage : now;
      if (!wait || wait.since > before) return [];
      return [{ mailingId: isPersisted ? mailingId : null, wait }];
    });
  }

  /** For a test: time has passed for every run. */
  passTime(ms: number): void {
    for (const { run } of this.#entries.values()) run?.passTime(ms);
  }

  /** For a test: every mailing or batch that is worked on here, or waits for its turn. */
  activities(): TestActivity[] {
    return [...this.#entries.values()].map(({ mailingId, run, dispatch }) => ({
      mailingId: run && !run.waits.isPersisted ? null : mailingId,
      waitsFor: dispatch ? 'its turn' : (run?.waits.now.what ?? 'its content'),
      isResting: run?.isResting ?? false,
    }));
  }

  /**
   * @param key the mailing's id; for a batch, its claim; for a mailing that is not persisted, any unique id.
   * @param mailingId the mailing whose commands apply. Default: the key.
   */
  start<T>(key: string, work: Work<T>, turn: Turn = 'wait', mailingId = key): Promise<T> {
    const known = this.#entries.get(key);
    if (known) return known.result as Promise<T>;
    const entry: Entry = {
      mailingId,
      run: null,
      since: performance.now(),
      dispatch: null,
      result: undefined as never,
    };
    const away = new SlotReleases({ begin: () => this.#leave(), end: () => void this.#working++ });
    const workerSlot: RegisteredSlot = {
      announce: (run) => this.#announce(entry, run),
      leave: () => away.begin(),
      lend: () => away.begin(),
      retake: () => away.end(),
    };
    const begun = (): Promise<T> => this.context.begin(() => work(workerSlot));
    const worked = turn === 'apart' ? begun() : this.#within(entry, turn, begun, away);
    const result = worked.finally(() => this.#entries.delete(key));
    entry.result = result;
    this.#entries.set(key, entry);
    return result;
  }

  /** The claims of this process are void: every run stops at once and writes nothing more. */
  revokeAll(): void {
    for (const { run } of this.#entries.values()) run?.revoke();
  }

  /**
   * Orderly stop of all runs. Messages in flight have `timeoutMs` to end; then they are cut off. A run that does not end even so (because of a silent
   * source of recipients or database) is not waited for.
   */
  async stopAll(timeoutMs: number): Promise<void> {
    this.#stop.abort();
    for (const { run } of this.#entries.values()) run?.stop();
    const ended = Promise.allSettled(Array.from(this.#entries.values(), (entry) => entry.result));
    if (await endsWithin(ended, timeoutMs)) return;
    this.#abortAll();
    await endsWithin(ended, CUT_OFF_MS);
  }

  *#of(mailingId: string): Iterable<Entry> {
    for (const entry of this.#entries.values()) if (entry.mailingId === mailingId) yield entry;
  }

  #announce(entry: Entry, run: MailingRun): void {
    entry.run = run;
    if (this.isStopping) run.stop();
  }

  #abortAll(): void {
    for (const { run } of this.#entries.values()) run?.abort();
  }

  async #within<T>(entry: Entry, turn: Turn, work: () => Promise<T>, away: SlotReleases): Promise<T> {
    if (turn === 'wait' && this.#working >= this.maxConcurrentMailings) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        entry.dispatch = () => this.#goAhead(resolve);
      });
      entry.dispatch = null;
    } else {
      this.#working++;
    }
    try {
      return await work();
    } finally {
      if (!away.isUnderWay) this.#leave();
    }
  }

  #goAhead(resolve: () => void): void {
    const at = this.#waiting.indexOf(resolve);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    this.#working++;
    resolve();
  }

  /** Hands the slot to the next waiting mailing directly, so that no other one can take it in between. */
  #leave(): void {
    const next = this.#working <= this.maxConcurrentMailings ? this.#waiting.shift() : undefined;
    if (next) next();
    else this.#working--;
  }
}
