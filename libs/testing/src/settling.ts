import { setTimeout as delay } from 'node:timers/promises';
import { MailingTestingTimeoutError, ProcessKilledError } from './mailing-testing.errors.js';
import type { Running, Surroundings } from './surroundings.js';
import { unfinishedWork } from './unfinished-work.js';

/** How often it looks whether something is still under way. */
const POLL_MS = 2;

/**
 * Resolves when nothing is due any more in the application, or it was killed.
 *
 * A sweep finds what is due, and begins it; when that has ended, the next sweep may find more. So it goes on until one finds nothing.
 *
 * @throws MailingTestingTimeoutError
 */
export async function settle(place: Surroundings, running: Running, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  const over = new AbortController();
  const late = delay(timeoutMs, 'late' as const, { signal: over.signal }).catch(() => 'late' as const);
  let underWay: string[] = ['a sweep, as each heartbeat begins one'];

  /** @returns whether nothing was found. */
  const sweep = async (): Promise<boolean> => {
    await running.control.sweep();
    for (let isFirst = true; ; isFirst = false) {
      if (place.running !== running) return true;
      underWay = await unfinishedWork({ ...running, now: place.clock.now() });
      if (underWay.length === 0) return isFirst;
      await delay(POLL_MS);
      const isBusy = running.control.activities().some(({ isResting }) => !isResting);
      if (!isBusy || performance.now() >= deadline) return false;
    }
  };

  try {
    for (;;) {
      const found = await Promise.race([sweep().catch(isDeath), late]);
      if (found === true) break;
      if (found === 'late' || performance.now() >= deadline)
        throw new MailingTestingTimeoutError(timeoutMs, underWay);
    }
  } finally {
    over.abort();
  }
  await place.dying;
}

/** @returns true if the application was killed meanwhile. */
function isDeath(error: unknown): true {
  const { driverError } = error as { driverError?: unknown };
  if (error instanceof ProcessKilledError || driverError instanceof ProcessKilledError) return true;
  throw error;
}
