import type { Session } from '../database/mailing.database.js';

/** Condition: the mailing may be started now, or was started before. */
export function isDue({ dialect: { now } }: Session): string {
  return `(start_time IS NOT NULL OR ((scheduled_at IS NULL OR scheduled_at <= ${now})
    AND (do_not_start_after IS NULL OR do_not_start_after >= ${now})))`;
}

/** Condition: the mailing was not started before its `do_not_start_after` passed. */
export function isOverdue({ dialect: { now } }: Session): string {
  return `status = 'pending' AND start_time IS NULL AND do_not_start_after < ${now}`;
}
