import { describe, expect, it, vi } from 'vitest';
import type { EmailMessageSender } from '../../../libs/mailing/src/model/ports/email-message.sender.js';
import type { CommandPersister } from '../../../libs/mailing/src/store/commands/command.persister.js';
import { RetrySchedule } from '../../../libs/mailing/src/work/run/retry.schedule.js';
import { NO_SCORES } from '../../../libs/mailing/src/model/states/guard-scores.js';
import type { Outcome, RefusalSubject } from '../../../libs/mailing/src/model/states/outcome.js';
import { ErrorRateGuard } from '../../../libs/mailing/src/work/run/error-rate.guard.js';
import { CongestionWindow } from '../../../libs/mailing/src/work/pacing/congestion-window.js';
import { MailingEvents } from '../../../libs/mailing/src/model/reports/mailing-event.js';
import type { RunOptions } from '../../../libs/mailing/src/model/options/run-options.js';
import { RateLimiter } from '../../../libs/mailing/src/work/pacing/rate-limiter.js';
import { ResumeHold } from '../../../libs/mailing/src/work/execution/resume-hold.js';
import { TransportProbe } from '../../../libs/mailing/src/work/sweeps/transport-probe.js';
import { TransportMonitor } from '../../../libs/mailing/src/work/run/transport.monitor.js';

describe('CongestionWindow', () => {
  const succeed = (pace: CongestionWindow, times: number): void => {
    for (let n = 0; n < times; n++) pace.succeeded();
  };

  it('B6 halves at once when the server throttles, and grows slowly again', () => {
    const pace = new CongestionWindow(8);
    expect(pace.throttled(pace.generation)).toBe(true);
    expect(pace.level).toBe(4);
    succeed(pace, 39);
    expect(pace.level).toBe(4);
    succeed(pace, 1);
    expect(pace.level).toBe(5);
  });

  it('counts failures of messages started before the last decrease as one signal', () => {
    const pace = new CongestionWindow(8);
    const before = pace.generation;
    pace.throttled(before);
    for (let n = 0; n < 7; n++) expect(pace.throttled(before)).toBe(false);
    expect(pace.level).toBe(4);
    expect(pace.throttled(pace.generation)).toBe(true);
    expect(pace.level).toBe(2);
  });

  it('never goes below one or above the maximum', () => {
    const pace = new CongestionWindow(3);
    for (let n = 0; n < 5; n++) pace.throttled(pace.generation);
    expect(pace.level).toBe(1);
    succeed(pace, 1_000);
    expect(pace.level).toBe(3);
  });

  it('starts with one after an outage, and is soon back at its old level', () => {
    const pace = new CongestionWindow(8);
    pace.interrupted();
    pace.interrupted();
    expect(pace.level).toBe(1);
    succeed(pace, 7);
    expect(pace.level).toBe(8);
  });
});

describe('RateLimiter', () => {
  it('without a limit always grants a slot', () => {
    const limiter = new RateLimiter(null);
    for (let n = 0; n < 100; n++) expect(limiter.take()).toBe(true);
    expect(limiter.waitMs()).toBe(0);
  });

  it('B7 starts with all slots taken, so that a restart gets no fresh budget', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const limiter = new RateLimiter(2);
      expect(limiter.take()).toBe(false);
      vi.advanceTimersByTime(limiter.waitMs());
      expect([limiter.take(), limiter.take(), limiter.take()]).toEqual([true, true, false]);
      // It is not known when one is returned.
      expect(limiter.waitMs()).toBe(Infinity);
      vi.advanceTimersByTime(5_000);
      expect(limiter.take()).toBe(false);
      limiter.release(true);
      expect(limiter.take()).toBe(false);
      vi.advanceTimersByTime(limiter.waitMs());
      expect(limiter.take()).toBe(true);
      limiter.release(false);
      expect(limiter.take()).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('ErrorRateGuard', () => {
  const options = { sampleSize: 10, maxErrorPercent: 80 };
  const error = (code: string, subject?: RefusalSubject) =>
    ({ idx: 0, status: 'error', code, text: `${code} text`, subject }) as const;
  const sent = { idx: 0, status: 'sent', code: null, text: null } as const;
  const skipped = { idx: 0, status: 'skipped', code: 'no_profile', text: '' } as const;
  /** @returns the number of failures after which it pauses, and the reason; null: it does not. */
  const speaks = (guard: ErrorRateGuard, outcomes: Iterable<Outcome>): [number, string] | null => {
    let count = 0;
    for (const outcome of outcomes) {
      count++;
      const said = guard.note(outcome);
      if (said !== null) return [count, said];
    }
    return null;
  };
  const times = <T>(count: number, one: (n: number) => T): T[] =>
    Array.from({ length: count }, (_, n) => one(n));

  it('pauses after a number of failures in a row, whatever succeeded before, and names the most frequent reason', () => {
    const guard = new ErrorRateGuard(options);
    expect(
      speaks(
        guard,
        times(5_000, () => sent),
      ),
    ).toBeNull();
    const failures = times(20, (n) => error(n === 3 ? '5.7.26' : '5.7.1'));
    expect(speaks(guard, failures)).toEqual([
      10,
      'error rate: 9 of the last 10 attempts failed with 5.7.1: 5.7.1 text',
    ]);
  });

  it('allows four failures more for each success, and keeps counting after it has paused', () => {
    const guard = new ErrorRateGuard(options);
    expect(
      speaks(
        guard,
        times(1_000, (n) => (n % 5 === 0 ? sent : error('550'))),
      ),
    ).toBeNull();
    expect(
      speaks(
        guard,
        times(9, () => error('550')),
      )?.[0],
    ).toBe(6);
    expect(guard.note(error('550'))).not.toBeNull();
  });

  it('ignores skipped and greylisted recipients, and does nothing when it is turned off', () => {
    expect(
      speaks(
        new ErrorRateGuard(options),
        times(100, () => skipped),
      ),
    ).toBeNull();
    expect(
      speaks(
        new ErrorRateGuard(options),
        times(100, () => error('4.2.0', 'greylisted')),
      ),
    ).toBeNull();
    expect(
      speaks(
        new ErrorRateGuard({ ...options, sampleSize: 0 }),
        times(100, () => error('550')),
      ),
    ).toBeNull();
  });

  it('never stops a list with at most an eighth of failures, in whatever order', () => {
    const watched = { scores: NO_SCORES, numRecipients: 8_000, isBatch: false };
    const bad = times(1_000, () => error('5.1.1', 'recipient'));
    expect(speaks(new ErrorRateGuard(options, watched), bad)).toBeNull();
    const more = times(2_000, () => error('5.1.1', 'recipient'));
    expect(speaks(new ErrorRateGuard(options, watched), more)?.[0]).toBe(1_001);
    const short = { ...watched, numRecipients: 100 };
    expect(speaks(new ErrorRateGuard(options, short), more)?.[0]).toBe(100);
  });

  it('counts bad addresses neither as failures nor as successes of the sender', () => {
    const mixed = times(40, (n) => (n % 2 ? error('5.7.1') : error('5.1.1', 'recipient')));
    expect(speaks(new ErrorRateGuard(options), mixed)?.[0]).toBe(20);
  });

  it('starts with the score of the progress row, and adds the scores of the other batches', () => {
    const before = new ErrorRateGuard(options);
    speaks(
      before,
      times(6, () => error('5.7.1')),
    );
    const watched = { scores: before.report.scores, numRecipients: 100, isBatch: false };
    expect(
      speaks(
        new ErrorRateGuard(options, watched),
        times(9, () => error('5.7.1')),
      )?.[0],
    ).toBe(4);

    const batch = new ErrorRateGuard(options, { scores: NO_SCORES, numRecipients: 100, isBatch: true });
    batch.noteElsewhere(before.report.scores);
    expect(
      speaks(
        batch,
        times(9, () => error('5.7.1')),
      )?.[0],
    ).toBe(4);
    // Two failures of a batch do not count for the others.
    expect(batch.report).toMatchObject({
      scores: { suspect: 2 * 20 },
      sums: { suspect: 4 * 20, failure: 4 * 20 },
    });
  });
});

describe('RetrySchedule', () => {
  const counts = (): RetrySchedule =>
    new RetrySchedule({ maxAttempts: 4, initialDelayMs: 100, maxDelayMs: 250 });

  it('B12 waits a random time up to a limit that doubles, up to maxDelayMs, and gives up after the last attempt', () => {
    for (const [attempts, longest] of [
      [0, 100],
      [1, 200],
      [2, 250],
    ]) {
      const delays = Array.from({ length: 300 }, () => {
        const one = counts();
        one.note([{ idx: 7, attempts }]);
        return one.nextDelayMs(7) as number;
      });
      expect(Math.min(...delays)).toBeLessThan(longest / 4);
      expect(Math.max(...delays)).toBeGreaterThan((longest * 3) / 4);
      expect(delays.every((delay) => delay >= 1 && delay <= longest)).toBe(true);
    }
    const last = counts();
    last.note([{ idx: 7, attempts: 3 }]);
    expect(last.nextDelayMs(7)).toBeNull();
  });
});

describe('TransportMonitor', () => {
  const watch = (): TransportMonitor =>
    new TransportMonitor({
      mailingId: null,
      options: { concurrency: 5, transportOutageTimeoutMs: 0 } as Required<RunOptions>,
      events: new MailingEvents(),
    });

  it('B10 takes timeouts for an outage once a second recipient has one and no message was answered in between', () => {
    const one = watch();
    expect([one.fallsSilent(3), one.fallsSilent(3), one.fallsSilent(4)]).toEqual([false, false, true]);
    one.works();
    expect(one.fallsSilent(5)).toBe(false);
  });

  it('A21 takes broken connections for an outage at the third in a row', () => {
    const one = watch();
    expect([one.breaks(), one.breaks()]).toEqual([false, false]);
    one.works();
    expect([one.breaks(), one.breaks(), one.breaks()]).toEqual([false, false, true]);
  });

  it('B11 waits first, and asks for a pause after the time limit, until a message is answered', async () => {
    const one = watch();
    expect(one.down('refused')).toBeNull();
    expect(one.waitMs()).toBeGreaterThan(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(one.down('refused')).toBe('transport: refused');
    expect(one.down('no database', 'profiles')).toBe('profiles: no database');
    one.works();
    expect([one.waitMs(), one.down('refused')]).toEqual([0, null]);
  });
});

describe('TransportProbe', () => {
  it('probes less and less often while mailings are paused for the transport, whatever the answer', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      let isPaused = true;
      let numResumed = 0;
      const commandPersister = {
        findPausedTransports: () => Promise.resolve(isPaused ? [null] : []),
        resumeTransportPaused: () => Promise.resolve((numResumed++, 1)),
      } as unknown as CommandPersister;
      const sender = { probe: () => Promise.resolve(null) } as unknown as EmailMessageSender;
      const { signal } = new AbortController();
      const hold = new ResumeHold({ resume: 'auto' });
      const probe = new TransportProbe(
        'test:1',
        false,
        commandPersister,
        { of: () => sender },
        signal,
        hold,
        new MailingEvents(),
      );
      const resumedIn = async (seconds: number): Promise<number> => {
        const before = numResumed;
        for (let n = 0; n < seconds * 10; n++) {
          await probe.look();
          vi.advanceTimersByTime(100);
        }
        return numResumed - before;
      };
      expect(await resumedIn(0.5)).toBe(1);
      // Paused again at once, each time: 1, 2, 4, 8 … seconds, half of it random.
      expect(await resumedIn(60)).toBeLessThanOrEqual(8);
      isPaused = false;
      await resumedIn(120);
      isPaused = true;
      expect(await resumedIn(0.1)).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });
});
