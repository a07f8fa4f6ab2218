import { setTimeout as delay } from 'node:timers/promises';
import { isLockFault, isRefusedByGroup, withOpenOutcome } from '../faults/database-fault.js';

const MAX_ATTEMPTS = 6;
const DELAY_MS = 20;

/**
 * Does a transaction again as a whole after a conflict, each time on whatever connection the pool gives. A single statement, a read
 * too, is a transaction of its own.
 */
export async function againAfterConflicts<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction();
    } catch (error) {
      if (!isLockFault(error) || attempt === MAX_ATTEMPTS) throw error;
      await pause(attempt);
    }
  }
}

/**
 * Does a transaction again on the connection that it had, after a group of MySQL servers refused it.
 *
 * Such a refusal nearly always means that the members agreed on another transaction first. But a member that leaves the group, or is cut
 * off, gives the same answer to what it had already sent, and the others may commit that. Here the two can be told apart: a member that left
 * writes nothing any more, so nothing is committed twice. Elsewhere the repetition might follow what it repeats. So from the first refusal on
 * the transaction stays on this connection, and if that fails in another way than by a conflict, the outcome is open.
 *
 * Rejected: to repeat it anywhere. A chunk of a list, or a counter, would be written twice.
 */
export async function againOnSameConnection<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1, isRefused = false; ; attempt++) {
    try {
      return await transaction();
    } catch (error) {
      isRefused ||= isRefusedByGroup(error);
      if (!isRefused) throw error;
      const mayRepeat = isRefusedByGroup(error) || isLockFault(error);
      if (!mayRepeat || attempt === MAX_ATTEMPTS) throw withOpenOutcome(error);
      await pause(attempt);
    }
  }
}

/** Each time longer, and never in step with the rival. */
function pause(attempt: number): Promise<void> {
  return delay(Math.random() * DELAY_MS * 2 ** attempt);
}
