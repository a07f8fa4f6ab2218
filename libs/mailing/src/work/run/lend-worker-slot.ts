import type { WorkerSlot } from './mailing-run.parts.js';

/** A shorter wait is not worth lending the worker slot. */
export const LEND_AFTER_MS = 500;

/** Waits for a call of the host. If it takes longer than `LEND_AFTER_MS`, other mailings use the worker slot meanwhile. */
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
