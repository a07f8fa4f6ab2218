import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import type { SliceMemory } from '../failover/slice.memory.js';
import { progressRowOf, type SqlPart } from '../database/progress-row.js';

/** A slice of which the database has forgotten commits. */
export interface ForgottenSlice {
  memory: SliceMemory;
  /** The progress row as it was read. */
  seen: { number: number; claimToken: string | null };
  uniqServerId: string;
  /** The token under which the slice is restored. */
  claimToken: string;
}

/** Whether the slice may be worked on, now or after a resume. An ended slice is not opened again. */
export async function isOpen(session: Session, slice: Slice): Promise<boolean> {
  const progress = progressRowOf(session, slice);
  const rows = await session.rows(
    `SELECT 1 FROM ${progress.table} WHERE ${progress.sql} AND status IN (${stateOf(slice).open})`,
    progress.parameters,
  );
  return rows.length > 0;
}

/** Condition: the progress row still shows what was read. It guards a change. */
export function showsAsRead({ number, claimToken }: ForgottenSlice['seen']): SqlPart {
  return claimToken === null
    ? { sql: 'commit_seq = ? AND claim_token IS NULL', parameters: [number] }
    : { sql: 'commit_seq = ? AND claim_token = ?', parameters: [number, claimToken] };
}

/** What the status of the slice becomes, and the states in which it is open. */
export function stateOf({ batch }: Slice): { sql: string; open: string } {
  if (batch) return { sql: `status = 'claimed'`, open: `'free', 'claimed'` };
  return {
    sql: `status = CASE status WHEN 'pending' THEN 'in_progress' WHEN 'paused' THEN 'pausing' ELSE status END`,
    open: `'pending', 'in_progress', 'pausing', 'paused', 'canceling'`,
  };
}
