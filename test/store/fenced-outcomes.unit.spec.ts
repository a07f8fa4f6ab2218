import { describe, expect, it } from 'vitest';
import { FencedOutcomes } from '../../libs/mailing/src/store/failover/fenced.outcomes.js';

describe('what a fenced run knows', () => {
  const sent = { idx: 1, status: 'sent', code: null, text: null } as const;
  const deferral = { idx: 2, code: '450', text: 'later', delayMs: 1_000 };
  const outcomes = new FencedOutcomes(7, { outcomes: [sent], deferred: [deferral], begun: new Set([3]) });

  it.each([7, 8])(
    'names results and messages under way at commit %i; all others were never begun',
    (number) => {
      const { knownOutcomes, forgotten, isLeftOut } = outcomes.since(number)!;
      const { outcomeOf, deferralOf, isBegun } = knownOutcomes;
      expect([1, 2, 3, 4].map(outcomeOf)).toEqual([sent, undefined, undefined, undefined]);
      expect([1, 2, 3, 4].map(deferralOf)).toEqual([undefined, deferral, undefined, undefined]);
      expect([1, 2, 3, 4].map(isBegun)).toEqual([false, false, true, false]);
      expect([forgotten, isLeftOut]).toEqual([[], false]);
    },
  );

  it.each([0, 6, 9])('says nothing at commit %i: the database shows another history', (number) => {
    expect(outcomes.since(number)).toBeNull();
  });
});
