import type { Session } from '../database/mailing.database.js';
import type { SqlPart } from '../database/progress-row.js';

/** A range of the list that may hold recipients in flight: `fromIdx` up to, not including, `toIdx`. */
export interface IdxRange {
  fromIdx: number;
  toIdx: number;
}

/** How recipients of unknown outcome are settled. */
export interface SettleTerms {
  /** Whether they are sent again, or recorded as in doubt. */
  resend: boolean;
  /** Why the outcome is unknown; for `error_text`. */
  doubt: string;
}

/** Assignments to the row of a recipient of unknown outcome. @param again its status if it is sent again; `deferred` is due at once. */
export function unknownOutcome(
  { dialect: { now } }: Session,
  { resend, doubt }: SettleTerms,
  again: 'pending' | 'deferred',
): SqlPart {
  const due = again === 'deferred' ? `next_attempt_at = ${now}, ` : '';
  return resend
    ? { sql: `attempts = attempts + 1, ${due}changed_at = ${now}, status = '${again}'`, parameters: [] }
    : {
        sql: `attempts = attempts + 1, changed_at = ${now}, error_code = 'in_doubt', error_text = ?, status = 'in_doubt'`,
        parameters: [doubt],
      };
}
