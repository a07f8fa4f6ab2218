import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';
import { isDue, isOverdue } from '../claims/is-due.js';
import { hasLiveServer } from './live-server.js';

/** No query reads more rows; a count of so many means "at least". */
export const MAX_COUNTED = 1_000;

/** A mailing that waits for what may never come. */
export interface WaitingMailing {
  mailingId: string;
  uniqServerId: string | null;
  statusReason: string | null;
}

/** Mailings whose server is not live. @param except servers whose mailings are left out. */
export function findOrphaned(session: Session, except: string[], leaseMs: number): Promise<WaitingMailing[]> {
  // Any server may claim the batches of a mailing, but only its writer completes its list.
  return findWaiting(
    session,
    `((is_batched = FALSE AND status IN ('loading', 'pending', 'in_progress', 'pausing', 'canceling'))
       OR (is_batched = TRUE AND status = 'loading'))
     AND uniq_server_id NOT IN (${placeholders(except)}) AND NOT ${hasLiveServer(session, 'm')}`,
    [...except, leaseMs],
  );
}

/** Mailings in batches that are due while no live server takes batches. */
export function findUnclaimed(session: Session, leaseMs: number): Promise<WaitingMailing[]> {
  return findWaiting(
    session,
    `is_batched = TRUE AND status IN ('pending', 'in_progress') AND ${isDue(session)}
     AND NOT EXISTS (SELECT 1 FROM ${session.tables.mailServer} s
       WHERE s.takes_batches = TRUE AND s.last_updated >= ${session.dialect.agoMs})`,
    [leaseMs],
  );
}

/** Mailings that are paused, but not by a request. */
export function findPausedByThemselves(session: Session): Promise<WaitingMailing[]> {
  return findWaiting(session, `is_batched IN (FALSE, TRUE) AND status = 'paused' AND status_reason <> ?`, [
    PAUSE_REASONS.request,
  ]);
}

/** Mailings that have not begun, and whose `do_not_start_after` has passed. */
export function findOverdue(session: Session): Promise<WaitingMailing[]> {
  return findWaiting(session, `is_batched IN (FALSE, TRUE) AND ${isOverdue(session)}`, []);
}

/** Index: `(is_batched, status)`, for mailings that have not ended. */
async function findWaiting(
  session: Session,
  condition: string,
  parameters: unknown[],
): Promise<WaitingMailing[]> {
  const rows = await session.rows<Record<string, string | null>>(
    `SELECT id, uniq_server_id, status_reason FROM ${session.tables.mailing} m
     WHERE ${condition} LIMIT ${MAX_COUNTED}`,
    parameters,
  );
  return rows.map((row) => ({
    mailingId: String(row.id),
    uniqServerId: row.uniq_server_id,
    statusReason: row.status_reason,
  }));
}
