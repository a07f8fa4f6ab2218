import { setTimeout as delay } from 'node:timers/promises';
import { type KeyOf, mailboxKey } from '../../model/addresses/email-address.js';
import type { Commit, CommitAnswer, Ledger, Release } from '../../model/ports/ledger.js';
import { type ListedRecipient, toListedRecipient } from '../../model/mail/listed-recipient.js';
import type { ReasonCount } from '../../model/reports/mailing-overview.js';
import type { MailingStatus } from '../../model/states/mailing-status.js';
import { publicReasonOf, toPublicText } from '../../model/values/public-text.js';
import { COUNTER_OF, type SettledStatus } from '../../model/states/recipient-status.js';
import type { MarkedRecipient, Recipient, Recipients } from '../../model/mail/recipient.js';
import { SOURCE_TIMEOUT_MS, SourceWatch } from '../../model/host-calls/source-watch.js';
import { beginReading } from '../../model/host-calls/source-reading.js';
import type { Wait } from '../pacing/wait.js';

/** Codes are few, but a transport of the host may return any. */
const MAX_REASONS = 1_000;

/** One commit reads the source for at most this long. */
const READ_MS = 100;

/**
 * The ledger of a mailing that is not persisted: it ends with the process.
 *
 * The list is read while it is sent. The keys of all recipients so far are kept, because no other record prevents a second copy: about 100 bytes
 * each here, and as much in `MemoryDuplicateGate`.
 */
export class MemoryLedger implements Ledger {
  readonly counts = { num_sent: 0, num_errors: 0, num_skipped: 0 };
  numProfiles = 0;
  /** Why the list ended early, if it did. */
  failure: string | null = null;
  readonly #reasons = new Map<string, ReasonCount>();
  readonly #watch: SourceWatch;
  readonly #source: AsyncIterator<Recipient>;
  readonly #seen = new Set<string>();
  readonly #open = new Map<number, MarkedRecipient>();
  readonly #deferred = new Map<MarkedRecipient, number>();
  #handedBack: MarkedRecipient[] = [];
  #nextIdx = 0;
  #drained = false;
  #reading: PendingEntry | null = null;

  /**
   * @param sourceTimeoutMs longest wait for one recipient.
   * @throws SourceConsumedError if the source was read before.
   */
  constructor(
    recipients: Recipients,
    private readonly keyOf: KeyOf = mailboxKey,
    sourceTimeoutMs = SOURCE_TIMEOUT_MS,
  ) {
    this.#watch = new SourceWatch(sourceTimeoutMs);
    this.#source = beginReading(recipients, 'recipients', this.#watch)[Symbol.asyncIterator]();
  }

  /** Why recipients were not sent to. */
  get reasons(): ReasonCount[] {
    return [...this.#reasons.values()];
  }

  get wait(): Wait | null {
    return this.#watch.wait;
  }

  passTime(ms: number): void {
    for (const [one, at] of this.#deferred) this.#deferred.set(one, at - ms);
  }

  async commit(commit: Commit): Promise<CommitAnswer> {
    for (const { idx, status, code } of commit.outcomes) {
      this.counts[COUNTER_OF[status]]++;
      this.#count(status, code);
      this.#open.delete(idx);
    }
    for (const { idx, delayMs } of commit.deferred) {
      const one = this.#open.get(idx) as MarkedRecipient;
      this.#open.delete(idx);
      this.#deferred.set({ ...one, attempts: (one.attempts ?? 0) + 1 }, performance.now() + delayMs);
    }
    this.#handedBack.push(...commit.returned.map((idx) => this.#open.get(idx) as MarkedRecipient));
    if (commit.release) return commit.inFlight > 0 ? { kind: 'drain' } : this.#giveUp(commit.release);
    const marked: MarkedRecipient[] = [...this.#takeDue(commit.capacity)];
    marked.push(...this.#handedBack.splice(0, commit.capacity - marked.length));
    await this.#readUpTo(commit.capacity, marked);
    for (const one of marked) this.#open.set(one.idx, one);
    const nextDueInMs = this.#nextDueInMs();
    const isExhausted = this.#drained && marked.length < commit.capacity;
    if (isExhausted && marked.length === 0 && commit.inFlight === 0 && nextDueInMs === null) {
      return ended(this.failure === null ? 'completed' : 'failed');
    }
    return { kind: 'continue', marked, isExhausted, nextDueInMs };
  }

  #count(status: SettledStatus, code: string | null): void {
    if (status === 'sent') return;
    const key = `${status} ${code}`;
    const known = this.#reasons.get(key);
    if (known) known.count++;
    else if (this.#reasons.size < MAX_REASONS) this.#reasons.set(key, { status, code, count: 1 });
  }

  #takeDue(capacity: number): MarkedRecipient[] {
    const now = performance.now();
    const due = [...this.#deferred].filter(([, at]) => at <= now).slice(0, capacity);
    return due.map(([one]) => {
      this.#deferred.delete(one);
      return one;
    });
  }

  #nextDueInMs(): number | null {
    let soonest = Number.POSITIVE_INFINITY;
    for (const at of this.#deferred.values()) soonest = Math.min(soonest, at);
    return soonest === Number.POSITIVE_INFINITY ? null : Math.max(0, soonest - performance.now());
  }

  /**
   * Reads until `capacity` recipients are marked, but no longer than `READ_MS`: a list without recipients to send to, or a silent source, must not delay
   * the counting of outcomes or a stop. An entry that is still being read then is kept for the next call.
   */
  async #readUpTo(capacity: number, into: MarkedRecipient[]): Promise<void> {
    const timer = new AbortController();
    const late = delay(READ_MS, 'late' as const, { signal: timer.signal }).catch(() => 'late' as const);
    while (into.length < capacity && !this.#drained) {
      this.#reading ??= new PendingEntry(this.#pull());
      const listed = await this.#reading.unless(late);
      if (listed === 'late') break;
      this.#reading = null;
      if (listed) this.#take(listed, into);
    }
    timer.abort();
  }

  #take(listed: ListedRecipient, into: MarkedRecipient[]): void {
    const key =
      listed.kind === 'profile' ? `profile ${listed.userId}` : listed.kind === 'address' ? listed.key : null;
    if (key !== null && this.#seen.has(key)) return;
    if (key !== null) this.#seen.add(key);
    this.numProfiles++;
    const idx = this.#nextIdx++;
    if (listed.kind === 'invalid') {
      this.counts.num_skipped++;
      this.#count('skipped', listed.reason);
    }
    if (listed.kind === 'profile') into.push({ idx, userId: listed.userId });
    if (listed.kind === 'address')
      into.push({ idx, email: listed.email, name: listed.name ?? undefined, data: listed.data ?? undefined });
  }

  /** Never rejects. A source that throws ends the list; read again, it would seem to have ended normally. */
  async #pull(): Promise<ListedRecipient | null> {
    try {
      const { done, value } = await this.#source.next();
      if (!done) return toListedRecipient(value as Recipient, false, this.keyOf);
    } catch (error) {
      this.failure = `list incomplete: ${publicReasonOf(error)}`;
    }
    this.#drained = true;
    this.#watch.close();
    return null;
  }

  #giveUp(release: Release): CommitAnswer {
    this.failure ??=
      release.kind === 'pause'
        ? toPublicText(release.reason)
        : 'the server stopped before the list was through';
    // `return()` of a source may fail or take its time; the counters do not depend on it.
    void this.#endSource().catch(() => undefined);
    return ended('failed');
  }

  async #endSource(): Promise<void> {
    await this.#source.return?.();
  }
}

/** An entry that is being read. It keeps no reference to earlier callers, however often it is read; `Promise.race` on one promise would. */
class PendingEntry {
  #listed: ListedRecipient | null | undefined;
  #arrived: () => void = () => {};

  constructor(reading: Promise<ListedRecipient | null>) {
    void reading.then((listed) => {
      this.#listed = listed;
      this.#arrived();
    });
  }

  async unless(late: Promise<'late'>): Promise<ListedRecipient | null | 'late'> {
    if (this.#listed === undefined) {
      const arrival = new Promise<void>((resolve) => (this.#arrived = resolve));
      await Promise.race([arrival, late]);
    }
    return this.#listed === undefined ? 'late' : this.#listed;
  }
}

function ended(status: MailingStatus): CommitAnswer {
  return { kind: 'ended', status, mailing: status };
}
