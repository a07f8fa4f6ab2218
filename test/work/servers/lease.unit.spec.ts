import { describe, expect, it, vi } from 'vitest';
import { Lease } from '../../../libs/mailing/src/work/servers/lease.js';

describe('a lease', () => {
  const lease = (): Lease => {
    const one = new Lease(1_000);
    one.confirm(Lease.moment());
    return one;
  };

  it('is not held before it is confirmed, nor after it is revoked', () => {
    expect(new Lease(1_000).holds()).toBe(false);
    const one = lease();
    expect(one.holds()).toBe(true);
    one.revoke();
    expect(one.holds()).toBe(false);
  });

  it('D5 ends by either of its two clocks: one may stop while the machine is suspended, the other may be set back', () => {
    for (const toFake of [['performance'], ['Date']] as ('performance' | 'Date')[][]) {
      vi.useFakeTimers({ toFake, now: Date.now() });
      try {
        const one = lease();
        vi.advanceTimersByTime(990);
        expect(one.holds()).toBe(true);
        vi.advanceTimersByTime(20);
        expect(one.holds()).toBe(false);
      } finally {
        vi.useRealTimers();
      }
    }
  });

  it('D5 ends when the wall clock jumps back by more than the lease', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    try {
      const one = lease();
      vi.setSystemTime(Date.now() - 5_000);
      expect(one.holds()).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });
  it('knows of a gap from its first moment until it has held for its whole length again', () => {
    vi.useFakeTimers({ toFake: ['performance', 'Date'], now: Date.now() });
    try {
      const one = lease();
      expect(one.isAfterGap()).toBe(false);
      vi.advanceTimersByTime(1_001);
      expect([one.isAfterGap(), one.hasLastedWholly()]).toEqual([true, false]);
      one.confirm(Lease.moment());
      expect(one.isAfterGap()).toBe(true);
      for (const step of [500, 400, 200]) {
        vi.advanceTimersByTime(step);
        one.confirm(Lease.moment());
      }
      expect([one.isAfterGap(), one.hasLastedWholly()]).toEqual([false, true]);
      one.revoke();
      expect(one.isAfterGap()).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });
});
