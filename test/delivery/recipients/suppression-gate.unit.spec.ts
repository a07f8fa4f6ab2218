import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  SuppressionGate,
  type WatchedSuppressionList,
} from '../../../libs/mailing/src/delivery/recipients/suppression.gate.js';

/** A list that records its questions. */
class AskedList implements WatchedSuppressionList {
  revision = 0;
  readonly entries = new Set<string>();
  readonly asked: string[][] = [];
  fails = false;

  async findSuppressed(addresses: string[]): Promise<Set<string>> {
    this.asked.push(addresses);
    if (this.fails) throw new Error('no database');
    return new Set(addresses.filter((one) => this.entries.has(one)));
  }
}

const person = (n: number): string => `reader${n}@home.example`;
const candidates = (...numbers: number[]) => numbers.map((n) => ({ idx: n, address: person(n) }));
const upcoming = (...numbers: number[]) => {
  return () => numbers.map(person);
};

describe('SuppressionGate', () => {
  let list: AskedList;
  let gate: SuppressionGate;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
    list = new AskedList();
    gate = new SuppressionGate(list);
  });

  afterEach(() => vi.useRealTimers());

  it('asks about upcoming recipients along with the others, and bars them by that answer', async () => {
    list.entries.add(person(3));
    expect((await gate.bar(candidates(0, 1), upcoming(2, 3))).size).toBe(0);
    const barred = await gate.bar(candidates(2, 3), upcoming(4));
    expect([...barred.keys()]).toEqual([3]);
    expect(list.asked).toEqual([[0, 1, 2, 3].map(person)]);
  });

  it('asks again if a recipient was not in the last question', async () => {
    await gate.bar(candidates(0), upcoming(1));
    list.entries.add(person(1));
    expect([...(await gate.bar(candidates(1, 2), upcoming())).keys()]).toEqual([1]);
    expect(list.asked).toHaveLength(2);
  });

  it('asks again after a second, for unsubscriptions by other processes', async () => {
    await gate.bar(candidates(0), upcoming(1, 2));
    list.entries.add(person(1));
    vi.advanceTimersByTime(999);
    expect((await gate.bar(candidates(1))).size).toBe(0);
    vi.advanceTimersByTime(1);
    expect((await gate.bar(candidates(1))).size).toBe(1);
  });

  it('asks again at once after a change by this process', async () => {
    await gate.bar(candidates(0), upcoming(1));
    list.entries.add(person(1));
    list.revision++;
    expect((await gate.bar(candidates(1))).size).toBe(1);
  });

  it('keeps no answer of a failed question', async () => {
    list.fails = true;
    await expect(gate.bar(candidates(0), upcoming(1))).rejects.toThrow('no database');
    list.fails = false;
    list.entries.add(person(1));
    expect((await gate.bar(candidates(1))).size).toBe(1);
  });
});
