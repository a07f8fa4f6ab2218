import type { Slice } from '../../model/states/slice.js';
import type { Session } from './mailing.database.js';

/** A piece of SQL with its parameters. */
export interface SqlPart {
  sql: string;
  parameters: unknown[];
}

/** Counters of settled recipients. */
export const COUNTERS = ['num_sent', 'num_errors', 'num_skipped'] as const;

/** Number of settled recipients, of a row that has the counters. */
export const NUM_SETTLED = COUNTERS.join(' + ');

/** Assignments that add a parameter to each of the counters. */
export const ADD_TO_COUNTERS = COUNTERS.map((column) => `${column} = ${column} + ?`).join(', ');

/** Watermarks, in the order of `Watermarks`. */
export const WATERMARKS = ['low_water_idx', 'next_idx', 'high_water_idx'] as const;

/**
 * The progress row of a slice: counters, claim, commit number and watermarks. It is the mailing's own row, or the batch's row. Both have the same
 * columns for it, so the statements of a commit are the same for both.
 */
export function progressRowOf({ tables }: Session, { mailingId, batch }: Slice): SqlPart & { table: string } {
  return batch
    ? {
        table: tables.mailBatch,
        sql: 'mailing_id = ? AND start_idx = ?',
        parameters: [mailingId, batch.startIdx],
      }
    : { table: tables.mailing, sql: 'id = ?', parameters: [mailingId] };
}

/** Condition: a row with `mailing_id` and `idx` belongs to the slice. */
export function belongsTo({ mailingId, batch }: Slice): SqlPart {
  return batch
    ? {
        sql: 'mailing_id = ? AND idx >= ? AND idx < ?',
        parameters: [mailingId, batch.startIdx, batch.endIdx],
      }
    : { sql: 'mailing_id = ?', parameters: [mailingId] };
}
