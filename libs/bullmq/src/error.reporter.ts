import type { DispatcherContext } from '../../mailing/src/index.js';

/** Shortest time between two reports of a worker: it tries again and again what it can't do, and emits an error each time. */
const QUIET_MS = 60_000;

/** Reports the errors that need attention, at a bounded rate. BullMQ's clients emit errors by the dozen while Redis is away. */
export class ErrorReporter {
  #quietUntil = 0;

  constructor(private readonly reportError: DispatcherContext['reportError']) {}

  report(step: string, error: unknown): void {
    this.reportError(step, error);
  }

  ofWorker(error: Error): void {
    if (isLostJob(error) || isLostConnection(error) || performance.now() < this.#quietUntil) return;
    this.#quietUntil = performance.now() + QUIET_MS;
    this.reportError('taking a job from Redis', error);
  }
}

/**
 * Redis no longer knows the job, or has given it to another worker: Redis was emptied, or this process was slow. The claim of the batch
 * stays valid.
 */
function isLostJob(error: Error): boolean {
  const { code } = error as { code?: unknown };
  return (typeof code === 'number' && code < 0) || error.message.startsWith('could not renew lock');
}

/** Left out here: the queue has a connection of its own and notices that Redis is away. */
function isLostConnection(error: Error): boolean {
  const { code, message } = error as { code?: unknown; message: string };
  return (
    (typeof code === 'string' && /^(E[A-Z]+|NR_CLOSED)$/.test(code)) || /connection|writeable/i.test(message)
  );
}
