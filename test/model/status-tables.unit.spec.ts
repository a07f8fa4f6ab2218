import { describe, expect, it } from 'vitest';
import { BATCH_TRANSITIONS } from '../../libs/mailing/src/model/states/batch-status.js';
import { ENDED_STATUSES, MAILING_TRANSITIONS } from '../../libs/mailing/src/model/states/mailing-status.js';
import {
  COUNTER_OF,
  RECIPIENT_STATUSES,
  RECIPIENT_TRANSITIONS,
} from '../../libs/mailing/src/model/states/recipient-status.js';

type Table = Record<string, Partial<Record<string, string>>>;

const MAILING: Table = MAILING_TRANSITIONS;
const RECIPIENT: Table = RECIPIENT_TRANSITIONS;

/** Every reachable state, including the first. */
function reachable(table: Table, start: string): Set<string> {
  const seen = new Set([start]);
  for (const state of seen) for (const target of Object.keys(table[state])) seen.add(target);
  return seen;
}

describe.each([
  {
    name: 'mailing',
    table: MAILING,
    start: 'loading',
    final: [],
    ended: [...ENDED_STATUSES] as string[],
    states: 'canceled canceling completed failed in_progress loading paused pausing pending',
  },
  {
    name: 'recipient',
    table: RECIPIENT,
    start: 'pending',
    final: ['sent'],
    ended: Object.keys(COUNTER_OF),
    states: 'deferred error in_doubt pending sending sent skipped',
  },
  {
    name: 'batch',
    table: BATCH_TRANSITIONS as Table,
    start: 'free',
    final: [],
    ended: ['complete'],
    states: 'claimed complete free',
  },
])('the states of a $name', ({ table, start, final, ended, states }) => {
  it('are all in the transition table', () => {
    expect(Object.keys(table).sort().join(' ')).toBe(states);
  });

  it('have a reason for each transition, and each leads to another state of the table', () => {
    for (const [from, arrows] of Object.entries(table)) {
      for (const [to, reason] of Object.entries(arrows)) {
        expect(Object.keys(table), `${from} → ${to}`).toContain(to);
        expect(to).not.toBe(from);
        expect(reason?.trim(), `${from} → ${to}`).toMatch(/\w{4}/);
      }
    }
  });

  it('have no transition from final ones, and only from those', () => {
    const ends = Object.keys(table).filter((state) => Object.keys(table[state]).length === 0);
    expect(ends.sort()).toEqual([...final].sort());
  });

  it('change after the end only by a command', () => {
    for (const from of ended) {
      for (const reason of Object.values(table[from])) expect(reason).toMatch(/^a person/);
    }
  });

  it('can all be reached, and an end can be reached from each', () => {
    expect([...reachable(table, start)].sort()).toEqual(Object.keys(table).sort());
    for (const state of Object.keys(table)) {
      expect({ state, ends: [...reachable(table, state)].some((one) => ended.includes(one)) }).toEqual({
        state,
        ends: true,
      });
    }
  });
});

describe('the groups of states', () => {
  it('have every state of a recipient', () => {
    expect([...RECIPIENT_STATUSES].sort()).toEqual(Object.keys(RECIPIENT).sort());
  });

  it('A9 count in doubt as an error, and each recipient once', () => {
    expect(COUNTER_OF).toEqual({
      sent: 'num_sent',
      error: 'num_errors',
      skipped: 'num_skipped',
      in_doubt: 'num_errors',
    });
  });

  it('A21 have no transition from an outcome to sending, and none from sent', () => {
    for (const settled of Object.keys(COUNTER_OF)) {
      expect(Object.keys(RECIPIENT[settled])).not.toContain('sending');
    }
    expect(RECIPIENT.sent).toEqual({});
  });
});
