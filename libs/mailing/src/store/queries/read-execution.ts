import type { ExecutionResult } from '../../model/reports/execution-result.js';
import type { Session } from '../database/mailing.database.js';
import { COUNTERS } from '../database/progress-row.js';
import { resultColumns } from './read-results.js';

/**
 * The mailings of one execution, by state.
 *
 * - Index: `(batch_exec_id)`, then the batches of each mailing that are not merged yet.
 *
 * @returns null if there is no mailing of this execution.
 */
export async function readExecution(session: Session, batchExecId: string): Promise<ExecutionResult | null> {
  const rows = await session.rows<Record<string, unknown>>(
    `SELECT status, COUNT(*) AS num_mailings, ${['num_profiles', ...COUNTERS].map((column) => `SUM(${column}) AS ${column}`).join(', ')}
     FROM (SELECT ${resultColumns(session)} FROM ${session.tables.mailing} WHERE batch_exec_id = ?) found
     GROUP BY status`,
    [batchExecId],
  );
  if (rows.length === 0) return null;
  const sum = (column: string): number => rows.reduce((total, row) => total + Number(row[column]), 0);
  return {
    batchExecId,
    numMailings: sum('num_mailings'),
    byStatus: Object.fromEntries(rows.map((row) => [row.status, Number(row.num_mailings)])),
    numProfiles: sum('num_profiles'),
    numSent: sum('num_sent'),
    numErrors: sum('num_errors'),
    numSkipped: sum('num_skipped'),
  };
}
