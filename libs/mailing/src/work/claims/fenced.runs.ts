import type { Slice } from '../../model/states/slice.js';
import { FencedOutcomes } from '../../store/failover/fenced.outcomes.js';
import type { LostClaim } from '../../store/commands/retry-unsent.js';
import type { HeldClaim } from '../../store/ledger/held-claim.js';
import type { MailingLedger } from '../../store/ledger/mailing.ledger.js';
import type { MailingRun } from '../run/mailing-run.js';

/** Limit over all fenced runs. The oldest run is forgotten first, and its recipients stay in doubt. */
const MAX_RECIPIENTS = 100_000;
/** Results are kept this long: a mailing that is canceled or paused may never settle the rest. */
const KEPT_MS = 3_600_000;

/** A run of this process that has lost its claim. */
export interface FencedRun extends LostClaim {
  slice: Slice;
  /** What its own recovery may use; null after an error of the run, which may then not know all that it did. */
  evidence: FencedOutcomes | null;
  /** Recipients whose message the mail server accepted, and their profile ids; empty until the last message has ended. */
  sent: Map<number, string | undefined>;
  /** Recipients in flight that were never handed over; empty until the last message has ended. */
  unsent: number[];
  numRecipients: number;
  keptUntil: number;
}

/**
 * What runs of this process knew when they lost their claims, for example because the network separated the process from the database for longer than
 * a lease.
 *
 * A run that lost its claim writes nothing. If this process recovers the slice itself, the recovery uses these results like a journal (`evidenceOf`). If
 * another server has recovered it, `LateAnswersSweep` settles recipients that are in doubt since.
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
   * @param ledger null if the run ended by an error of its own.
   */
  async note(
    { mailingId, batch, claimToken }: HeldClaim,
    run: Pick<MailingRun, 'unrecorded' | 'drained'>,
    ledger: Pick<MailingLedger, 'commitSeq' | 'inFlight'> | null,
  ): Promise<void> {
    const { commitSeq, inFlight } = ledger ?? { commitSeq: -1, inFlight: [] };
    const evidenceNow = (): FencedOutcomes | null => ledger && new FencedOutcomes(commitSeq, run.unrecorded);
    const { outcomes } = run.unrecorded;
    const fenced: FencedRun = {
      slice: { mailingId, batch },
      claimToken,
      commitSeq,
      evidence: evidenceNow(),
      sent: new Map(),
      unsent: [],
      numRecipients: outcomes.length + inFlight.length + 1,
      keptUntil: performance.now() + KEPT_MS,
    };
    this.#runs.set(claimToken, fenced);
    this.#numRecipients += fenced.numRecipients;
    this.#shrink();
    await run.drained();
    fenced.evidence = evidenceNow();
    const { outcomes: last, deferred } = run.unrecorded;
    for (const { idx, status, contact } of last) if (status === 'sent') fenced.sent.set(idx, contact?.userId);
    // With `inDoubt: 'resend'`, one that is deferred may be one in doubt.
    const tried = new Set([...last, ...deferred].map(({ idx }) => idx));
    fenced.unsent = [...new Set(inFlight)].filter((idx) => !tried.has(idx));
  }

  /** What the run with this claim knows; null: it was no run of this process, or it may not know everything. */
  evidenceOf(claimToken: string): FencedOutcomes | null {
    return this.#runs.get(claimToken)?.evidence ?? null;
  }

  forget({ claimToken }: FencedRun): void {
    this.#numRecipients -= this.#runs.get(claimToken)?.numRecipients ?? 0;
    this.#runs.delete(claimToken);
  }

  #shrink(): void {
    const now = performance.now();
    for (const run of this.#runs.values()) {
      if (this.#numRecipients <= MAX_RECIPIENTS && run.keptUntil > now) return;
      this.forget(run);
    }
  }
}
