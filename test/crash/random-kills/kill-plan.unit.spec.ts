import { describe, expect, it } from 'vitest';
import { planKills } from '../../../src/demo/kill.plan.js';
import { seededRandom } from '../../../src/demo/seeded-random.js';

const SERVERS = ['a', 'b', 'c'];
const plan = (seed: number, recipients = 6_000, kills = 50): ReturnType<typeof planKills> =>
  planKills({ kills, recipients, serverIds: SERVERS, maxInDoubt: 20, random: seededRandom(seed) });

describe('the plan of kills', () => {
  it('is the same for the same seed, and differs for another', () => {
    expect(plan(7)).toEqual(plan(7));
    expect(plan(7)).not.toEqual(plan(8));
  });

  it('spreads kills over the run and over the servers', () => {
    const kills = plan(7);
    const moments = kills.map(({ at }) => at);
    expect(moments).toEqual([...moments].sort((a, b) => a - b));
    expect(moments[0]).toBeLessThan(600);
    expect(moments.at(-1)).toBeGreaterThan(4_000);
    expect(new Set(kills.map(({ order }) => order[0]))).toEqual(new Set(SERVERS));
    for (const { order } of kills) expect([...order].sort()).toEqual(SERVERS);
  });

  it('waits for no message that an earlier kill may have left in doubt', () => {
    for (const { at } of plan(7)) expect(at).toBeLessThanOrEqual((6_000 - 50 * 20) * 0.95 + 1);
    for (const { at } of plan(7, 1)) expect(at).toBe(1);
  });
});
