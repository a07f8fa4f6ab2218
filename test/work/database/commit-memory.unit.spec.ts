import { describe, expect, it } from 'vitest';
import { CommitMemory } from '../../../libs/mailing/src/store/failover/commit.memory.js';
import { FailoverWatch } from '../../../libs/mailing/src/store/failover/failover.watch.js';
import type { RememberedCommit } from '../../../libs/mailing/src/store/failover/slice.memory.js';
import type { Outcome } from '../../../libs/mailing/src/model/states/outcome.js';

const SLICE = { mailingId: 'm', batch: null };
const sent = (idx: number): Outcome => ({ idx, status: 'sent', code: null, text: null });
const refused = (idx: number): Outcome => ({ idx, status: 'error', code: '550', text: 'no' });

const memory = (memoryMs = 60_000): CommitMemory => new CommitMemory({ memoryMs, lagTimeoutMs: 0 });

function commit(number: number, parts: Partial<RememberedCommit> = {}): RememberedCommit {
  const nothing = { outcomes: [], deferred: [], retried: [], highWaterIdx: 100 };
  return { number, isCommitted: true, at: performance.now(), ...nothing, ...parts };
}

const claim = (number: number) => ({ ...SLICE, claimToken: `me#${number}`, highWaterIdx: 0 });

describe('the memory of own commits', () => {
  it('knows the outcomes of all recipients in the commits after a given number', () => {
    const commits = memory();
    commits.noteClaim(claim(1), 1, false);
    commits.note(SLICE, commit(2, { outcomes: [3, 1, 2, 9].map(sent) }));
    commits.note(
      SLICE,
      commit(3, {
        outcomes: [refused(5), sent(4)],
        deferred: [{ idx: 7, code: '450', text: '', delayMs: 60_000 }],
      }),
    );
    const { isWhole, knownOutcomes } = commits.of(SLICE)!.after(1);
    expect(isWhole).toBe(true);
    const outcomes = Array.from({ length: 11 }, (_, idx) => knownOutcomes.outcomeOf(idx)?.status);
    expect(outcomes).toEqual([
      undefined,
      'sent',
      'sent',
      'sent',
      'sent',
      'error',
      undefined,
      undefined,
      undefined,
      'sent',
      undefined,
    ]);
    expect(knownOutcomes.outcomeOf(5)).toMatchObject({ code: '550', text: 'no' });
    expect(knownOutcomes.deferralOf(7)?.delayMs).toBeGreaterThan(50_000);
    expect([knownOutcomes.isBegun(6), knownOutcomes.deferralOf(6)]).toEqual([false, undefined]);
    // A sent recipient stays sent, whatever history the number belongs to; one with an error may have been retried.
    const later = commits.of(SLICE)!.after(3).knownOutcomes;
    expect([later.outcomeOf(1)?.status, later.outcomeOf(5), later.deferralOf(7)]).toEqual([
      'sent',
      undefined,
      undefined,
    ]);
  });

  it('counts a recipient as started where it lacks commits, because another server made them or it has forgotten them', () => {
    const commits = memory();
    commits.noteClaim(claim(5), 5, false);
    commits.note(SLICE, commit(6, { outcomes: [sent(1)] }));
    const after = (number: number) => commits.of(SLICE)!.after(number);
    expect([after(4).isWhole, after(3).isWhole, after(3).knownOutcomes.isBegun(2)]).toEqual([
      true,
      false,
      true,
    ]);
    // Another server held the claim in between.
    commits.noteClaim(claim(9), 9, false);
    commits.note(SLICE, commit(10, { outcomes: [sent(2)] }));
    expect([after(8).isWhole, after(6).isWhole]).toEqual([true, false]);
    expect(after(8).knownOutcomes.outcomeOf(1)).toBeUndefined();
  });

  it('does not know which recipients a recovery has put in doubt', () => {
    const commits = memory();
    commits.noteClaim(claim(5), 5, true);
    commits.note(SLICE, commit(6));
    expect([commits.of(SLICE)!.after(4).isWhole, commits.of(SLICE)!.after(5).isWhole]).toEqual([false, true]);
  });

  it('continues with the next claim of the same server', () => {
    const commits = memory();
    commits.noteClaim(claim(1), 1, false);
    commits.note(SLICE, commit(2, { outcomes: [sent(1)] }));
    commits.noteClaim(claim(3), 3, false);
    commits.note(SLICE, commit(4, { outcomes: [sent(2)] }));
    const { isWhole, knownOutcomes } = commits.of(SLICE)!.after(1);
    expect([isWhole, knownOutcomes.outcomeOf(1)?.status, knownOutcomes.outcomeOf(2)?.status]).toEqual([
      true,
      'sent',
      'sent',
    ]);
  });

  it('forgets commits older than its limit, but only once the slice was seen at its number', () => {
    const commits = memory(1_000);
    const at = performance.now() - 5_000;
    commits.noteClaim(claim(1), 1, false);
    commits.note(SLICE, commit(2, { at, outcomes: [sent(1)] }));
    expect(commits.of(SLICE)!.after(1).isWhole).toBe(true);
    commits.confirm(commits.of(SLICE)!);
    expect(commits.of(SLICE)).toBeNull();
  });

  it('forgets no commit while a later one can not be committed', () => {
    const commits = memory(1_000);
    const at = performance.now() - 5_000;
    commits.noteClaim(claim(1), 1, false);
    commits.note(SLICE, commit(2, { at, outcomes: [sent(1)] }));
    commits.note(SLICE, commit(3, { isCommitted: false, outcomes: [sent(2)] }));
    const { isWhole, knownOutcomes } = commits.of(SLICE)!.after(1);
    expect([isWhole, knownOutcomes.outcomeOf(1)?.status, knownOutcomes.outcomeOf(2)?.status]).toEqual([
      true,
      'sent',
      'sent',
    ]);
  });

  it('counts the texts of errors in its size, and keeps no more of them than a row does', () => {
    const commits = memory();
    commits.noteClaim(claim(1), 1, false);
    commits.note(SLICE, commit(2, { outcomes: [{ ...refused(1), text: 'x'.repeat(100_000) }] }));
    const kept = commits.of(SLICE)!;
    expect(kept.size).toBeGreaterThan(250);
    expect(kept.after(1).knownOutcomes.outcomeOf(1)?.text).toHaveLength(1_000);
  });

  it('knows a recipient that was sent to in two commits', () => {
    const commits = memory();
    commits.noteClaim(claim(1), 1, false);
    commits.note(SLICE, commit(2, { outcomes: [1, 2, 3, 4, 5, 6].map(sent) }));
    commits.note(SLICE, commit(3, { outcomes: [2, 3, 9].map(sent) }));
    const { knownOutcomes } = commits.of(SLICE)!.after(1);
    const known = Array.from({ length: 11 }, (_, idx) => idx).filter((idx) => knownOutcomes.outcomeOf(idx));
    expect(known).toEqual([1, 2, 3, 4, 5, 6, 9]);
  });

  it('is bounded in size, and forgets the oldest commits first', () => {
    const commits = memory();
    commits.noteClaim(claim(1), 1, false);
    for (let number = 2; number <= 60; number++)
      commits.note(
        SLICE,
        commit(number, { outcomes: Array.from({ length: 1_000 }, (_, idx) => refused(idx)) }),
      );
    expect(commits.of(SLICE)!.size).toBeLessThanOrEqual(1_000_000);
    expect([commits.of(SLICE)!.after(20).isWhole, commits.of(SLICE)!.after(50).isWhole]).toEqual([
      false,
      true,
    ]);
  });

  it('keeps nothing when its limit is zero milliseconds', () => {
    const commits = memory(0);
    commits.noteClaim(claim(1), 1, false);
    commits.note(SLICE, commit(2));
    expect(commits.of(SLICE)).toBeNull();
  });
});

describe('the database servers that a process trusts', () => {
  it('are the first one, and after a lost connection the last one', () => {
    const watch = new FailoverWatch();
    expect(watch.observe('db1:3306').isSettled).toBe(true);
    watch.noteBreak();
    expect(watch.observe('db1:3306').isSettled).toBe(true);
    expect(watch.observe('db2:3306')).toMatchObject({ isSettled: false, isReserved: false });
    expect(watch.judgesLeases('db1:3306', 1_000)).toBe(true);
    expect(watch.judgesLeases('db2:3306', 1_000)).toBe(false);
  });

  it('are new ones once they are settled, and only until the next lost connection', () => {
    const watch = new FailoverWatch();
    watch.observe('db1:3306');
    const second = watch.observe('db2:3306');
    expect(watch.unsettled()).toEqual([]);
    second.firstSeen = new Map();
    expect(watch.unsettled()).toEqual([second]);
    watch.settle(second);
    expect(watch.observe('db2:3306').isSettled).toBe(true);
    watch.noteBreak();
    expect([watch.observe('db2:3306').isSettled, watch.observe('db1:3306').isSettled]).toEqual([true, false]);
  });
});
