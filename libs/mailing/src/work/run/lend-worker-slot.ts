import type { WorkerSlot } from './mailing-run.parts.js';

/** So short a wait is not worth a change of places. */
export const LEND_AFTER_MS = 500;

/** Waits for something of the host's; if that takes its time, other mailings have the place meanwhile. */
export async function lendWhile<T>(workerSlot: WorkerSlot, waiting: Promise<T>): Promise<T> {
  let isLent = false;
  const timer = setTimeout(() => {
    isLent = true;
    workerSlot.lend();
  }, LEND_AFTER_MS);
  try {
    return await waiting;
  } finally {
    clearTimeout(timer);
    if (isLent) workerSlot.retake();
  }
}
