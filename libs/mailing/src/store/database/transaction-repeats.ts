import { setTimeout as delay } from 'node:timers/promises';
import { isLockFault, isRefusedByGroup, withOpenOutcome } from '../faults/database-fault.js';

const MAX_ATTEMPTS = 6;
const DELAY_MS = 20;

/**
 * Repeats a transaction as a whole after a conflict, each time on any connection of the pool. A single statement, including a read, is a transaction
 * of its own.
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
 * Repeats a transaction on its own connection after a group of MySQL servers refused it.
 *
 * Such a refusal nearly always means that the members agreed on another transaction first. But a member that leaves the group, or is cut off, gives
 * the same answer for a transaction that it had already sent, and the other members may commit that. A repetition on the same connection tells the
 * two apart: a member that left writes nothing any more, so nothing is committed twice. On another connection the repetition might run after the
 * first attempt was committed. So from the first refusal on, the transaction stays on this connection. If it then fails for another reason than a
 * conflict, the outcome is open.
 *
 * Rejected: repeating it on any connection. A chunk of a list, or a counter, would be written twice.
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

/** A random delay whose bound doubles with each attempt, so that two rivals do not repeat in step. */
function pause(attempt: number): Promise<void> {
  return delay(Math.random() * DELAY_MS * 2 ** attempt);
}
