import type { Slice } from '../../model/states/slice.js';
import { FencedOutcomes } from '../../store/failover/fenced.outcomes.js';
import type { HeldClaim } from '../../store/ledger/held-claim.js';
import type { MailingRun } from '../run/mailing-run.js';

/** Limit over all fenced runs. The oldest run is forgotten first, and its recipients stay in doubt. */
const MAX_RECIPIENTS = 100_000;
/** Results are kept this long: a mailing that is canceled or paused may never settle the rest. */
const KEPT_MS = 3_600_000;

/** A run of this process that has lost its claim. */
export interface FencedRun {
  slice: Slice;
  /** Recipients whose message the mail server accepted, and their profile ids; empty until the last message has ended. */
  sent: Map<number, string | undefined>;
  /** Null if the run ended by an error of its own, because it may then not know all that it did. */
  outcomes: FencedOutcomes | null;
  numRecipients: number;
  keptUntil: number;
}

/**
 * What runs of this process knew when they lost their claims, for example because the network separated the process from the database for longer than
 * a lease.
 *
 * A run that lost its claim writes nothing. If this process recovers the slice itself, the recovery uses these results like a journal (`evidenceOf`). If
 * another server has recovered it, `LateAnswersSweep` settles the recipients in doubt that were sent.
 */
export class FencedRuns {
  readonly #runs = new Map<string, FencedRun>();
  #numRecipients = 0;

  get all(): Iterable<FencedRun> {
    return this.#runs.values();
  }

  /**
   * Call it when the run has ended. Resolves when its last message has ended, too.
   *
   * @param commitSeq the last commit that the run knows to be written; null if it ended by an error of its own.
   */
  async note(
    { mailingId, batch, claimToken }: HeldClaim,
    run: Pick<MailingRun, 'unrecorded' | 'drained'>,
    commitSeq: number | null,
  ): Promise<void> {
    const outcomesNow = (): FencedOutcomes | null =>
      commitSeq === null ? null : new FencedOutcomes(commitSeq, run.unrecorded);
    const { outcomes, deferred, begun } = run.unrecorded;
    const fenced: FencedRun = {
      slice: { mailingId, batch },
      sent: new Map(),
      outcomes: outcomesNow(),
      numRecipients: outcomes.length + deferred.length + begun.size + 1,
      keptUntil: performance.now() + KEPT_MS,
    };
    this.#runs.set(claimToken, fenced);
    this.#numRecipients += fenced.numRecipients;
    this.#shrink();
    await run.drained();
    fenced.outcomes = outcomesNow();
    for (const { idx, status, contact } of run.unrecorded.outcomes)
      if (status === 'sent') fenced.sent.set(idx, contact?.userId);
  }

  /** What the run with this claim knows; null: it was no run of this process, or it may not know everything. */
  evidenceOf(claimToken: string): FencedOutcomes | null {
    return this.#runs.get(claimToken)?.outcomes ?? null;
  }

  forget(run: FencedRun): void {
    for (const [claimToken, one] of this.#runs)
      if (one === run) {
        this.#runs.delete(claimToken);
        this.#numRecipients -= run.numRecipients;
      }
  }

  #shrink(): void {
    const now = performance.now();
    for (const run of this.#runs.values()) {
      if (this.#numRecipients <= MAX_RECIPIENTS && run.keptUntil > now) return;
      this.forget(run);
    }
  }
}
