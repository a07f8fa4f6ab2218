import { describe, expect, it } from 'vitest';
import type { UnrecordedResults } from '../../../libs/mailing/src/model/ports/ledger.js';
import type { HeldClaim } from '../../../libs/mailing/src/store/ledger/held-claim.js';
import { FencedRuns } from '../../../libs/mailing/src/work/claims/fenced.runs.js';

describe('fenced runs', () => {
  const claim = (claimToken: string): HeldClaim => ({ mailingId: 'm', batch: null, claimToken }) as HeldClaim;
  const ledger = { commitSeq: 7, inFlight: [1, 2, 3, 4, 4] };

  /** Recipient 1 is accepted and 2 refused for now when the last messages end; 3 is handed back, and 4 was never begun. */
  class EndingRun {
    unrecorded: UnrecordedResults = { outcomes: [], deferred: [], begun: new Set([1, 2, 3]) };

    drained(): Promise<void> {
      const contact = { userId: 'u1' } as never;
      this.unrecorded = {
        outcomes: [{ idx: 1, status: 'sent', code: null, text: null, contact }],
        deferred: [{ idx: 2, code: 'in_doubt', text: '', delayMs: 1 }],
        begun: new Set(),
      };
      return Promise.resolve();
    }
  }

  it('have their messages in flight in doubt until these have ended, and then name what was never handed over', async () => {
    const runs = new FencedRuns();
    const noted = runs.note(claim('a#1'), new EndingRun(), ledger);
    const isBegun = (): boolean[] =>
      [1, 2, 3, 4].map((idx) => runs.evidenceOf('a#1')!.since(7)!.knownOutcomes.isBegun(idx));
    expect(isBegun()).toEqual([true, true, true, false]);
    const [run] = runs.all;
    expect([run.sent.size, run.unsent]).toEqual([0, []]);
    await noted;
    expect(isBegun()).toEqual([false, false, false, false]);
    expect([...run.sent]).toEqual([[1, 'u1']]);
    // The one that was refused for now may be in doubt.
    expect(run.unsent).toEqual([3, 4]);
  });

  it('that ended by an error prove nothing but what was accepted', async () => {
    const runs = new FencedRuns();
    await runs.note(claim('a#1'), new EndingRun(), null);
    expect(runs.evidenceOf('a#1')).toBeNull();
    const [run] = runs.all;
    expect([[...run.sent], run.unsent]).toEqual([[[1, 'u1']], []]);
  });

  it('are bounded: the oldest is forgotten', async () => {
    const runs = new FencedRuns();
    const many = { commitSeq: 7, inFlight: Array.from({ length: 60_000 }, (_, idx) => idx) };
    await runs.note(claim('a#1'), new EndingRun(), many);
    await runs.note(claim('a#2'), new EndingRun(), many);
    expect([...runs.all].map(({ claimToken }) => claimToken)).toEqual(['a#2']);
    runs.forget([...runs.all][0]);
    await runs.note(claim('a#3'), new EndingRun(), many);
    expect([...runs.all].map(({ claimToken }) => claimToken)).toEqual(['a#3']);
  });
});
