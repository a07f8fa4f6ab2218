import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;

export interface Wait {
  /** Names the condition in the error. */
  what: string;
  deadlineMs?: number;
}

/** Resolves with the first truthy value of `condition`; rejects when the deadline passes or `condition` throws. */
export async function waitUntil<T>(
  condition: () => T | Promise<T>,
  { what, deadlineMs = 10_000 }: Wait,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`Waited ${deadlineMs} ms in vain for ${what}.`);
    await sleep(POLL_MS);
  }
}
