import type { FaultPoint, FaultPoints } from '../../model/ports/fault-points.js';
import type { MailingStatus } from '../../model/states/mailing-status.js';
import { MailingEndedError } from '../../model/errors/command.errors.js';
import type { Slice } from '../../model/states/slice.js';
import type { HeldClaim } from '../ledger/held-claim.js';
import type { MailingDatabase, Session } from '../database/mailing.database.js';
import { SOURCES, type SourceName } from '../ledger/open-recipient.js';
import { belongsTo } from '../database/progress-row.js';
import {
  findRetryable,
  findRetryableBatches,
  hasUnsettled,
  stillInDoubt,
  type RetryableStatus,
  userIdsAt,
} from './find-retryable.js';
import { inChunks, placeholders } from '../database/placeholders.js';
import { requestCancel } from './request-cancel.js';
import { requestPause } from './request-pause.js';
import { mergeRestOfCanceled } from '../completion/merge-batches.js';
import { completeTransition } from '../completion/complete-transition.js';
import { resumeMailing } from './resume-mailing.js';
import { lockProgress } from './lock-progress.js';
import { retryRecipients } from './retry-recipients.js';
import { settleInDoubtRows } from './settle-in-doubt.js';
import { hasTransportPaused, resumeTransportPaused, type MailingScope } from './transport-paused.js';

/** Recipients of one transaction of an order. A bound for locks and logs, not for the order. */
const CHUNK = 1_000;

/** How a mailing stands after an order was written down. */
export interface RequestedMailing {
  status: MailingStatus;
  uniqServerId: string;
  claimToken: string | null;
  /** Its batches are worked on by whoever takes them, and nobody works on the mailing itself. */
  isBatched: boolean;
  /** All its messages go to one address, so nobody on its list was written to. */
  isRedirected: boolean;
}

/**
 * What an order does to recipients of one table, under the lock of their books.
 *
 * @returns what is to be done once it is committed.
 */
type ChangeChunk = (
  session: Session,
  slice: Slice,
  source: SourceName,
  indexes: number[],
) => Promise<(() => Promise<void>) | void>;

/** A recipient in doubt, as its row tells. */
export interface DoubtfulRow {
  idx: number;
  source: SourceName;
  email: string | null;
  userId: string | null;
}

/**
 * What people ask of a mailing, written into its row. Whoever works on it finds the order there; nobody has to be reached.
 */
export class CommandPersister {
  constructor(
    private readonly database: MailingDatabase,
    private readonly faultPoints: FaultPoints,
  ) {}

  /** @returns null if there is no such mailing. */
  pause(mailingId: string): Promise<RequestedMailing | null> {
    return this.#request(mailingId, 'afterPauseRequested', async (session) => {
      await requestPause(session, mailingId);
      await completeTransition(session, mailingId);
    });
  }

  /** @param toServerId where it goes on if nobody works on it; null: where it is. */
  resume(mailingId: string, toServerId: string | null): Promise<RequestedMailing | null> {
    return this.#request(mailingId, 'afterResumeRequested', (session) =>
      resumeMailing(session, mailingId, toServerId),
    );
  }

  cancel(mailingId: string): Promise<RequestedMailing | null> {
    return this.#request(mailingId, 'afterCancelRequested', async (session) => {
      await requestCancel(session, mailingId);
      // Paused, it had nothing in flight and was canceled by that; what its batches had come to is still theirs.
      if ((await completeTransition(session, mailingId)) === null)
        await mergeRestOfCanceled(session, mailingId);
    });
  }

  /** @returns how many of these mailings go on. */
  resumeTransportPaused(scope: MailingScope): Promise<number> {
    return resumeTransportPaused(this.database, scope);
  }

  hasTransportPaused(scope: MailingScope): Promise<boolean> {
    return hasTransportPaused(this.database, scope);
  }

  /**
   * Makes everybody in this state due for another attempt.
   *
   * @returns how many.
   * @throws MailingEndedError if the mailing was canceled or has failed, also in the middle of it.
   */
  retry(mailingId: string, which: RetryableStatus): Promise<number> {
    return this.#forAll(mailingId, which, 'afterRetryChunk', async (session, slice, source, indexes) => {
      const status = await retryRecipients(session, session.tables[source], slice, which, indexes);
      if (status === 'canceled' || status === 'canceling' || status === 'failed') {
        throw new MailingEndedError(mailingId, status);
      }
    });
  }

  /**
   * Settles all doubt.
   *
   * @param settled told of the profiles that were sent to, chunk by chunk, once it is committed.
   * @returns how many.
   */
  settleInDoubt(
    mailingId: string,
    as: 'sent' | 'error',
    settled: (userIds: string[]) => Promise<void> = () => Promise.resolve(),
  ): Promise<number> {
    return this.#forAll(
      mailingId,
      'in_doubt',
      'afterSettleChunk',
      async (session, slice, source, indexes) => {
        await settleInDoubtRows(session, session.tables[source], slice, indexes, as);
        if (as === 'error' || source !== 'userMailing') return;
        const userIds = await userIdsAt(session, mailingId, indexes);
        return () => settled(userIds);
      },
    );
  }

  /**
   * Those in doubt between two places of the list, and among some places before: at recovery that is whom the crash caught,
   * and few others.
   */
  async doubtful(
    slice: Slice,
    frame: { fromIdx: number; toIdx: number; retries: number[] },
  ): Promise<DoubtfulRow[]> {
    const { emailAddress, userMailing } = this.database.tables;
    const own = belongsTo(slice);
    const { fromIdx, toIdx, retries } = frame;
    const orAmong = retries.length > 0 ? `OR idx IN (${placeholders(retries)})` : '';
    const where = `WHERE ${own.sql} AND ((idx >= ? AND idx < ?) ${orAmong}) AND status = 'in_doubt' ORDER BY idx`;
    const parameters = [...own.parameters, fromIdx, toIdx, ...retries];
    const addresses = await this.database.rows<{ idx: number; email_address: string }>(
      `SELECT idx, email_address FROM ${emailAddress} ${where}`,
      parameters,
    );
    const profiles = await this.database.rows<{ idx: number; user_id: string }>(
      `SELECT idx, user_id FROM ${userMailing} ${where}`,
      parameters,
    );
    return [
      ...addresses.map((row): DoubtfulRow => {
        return { idx: Number(row.idx), source: 'emailAddress', email: row.email_address, userId: null };
      }),
      ...profiles.map((row): DoubtfulRow => {
        return { idx: Number(row.idx), source: 'userMailing', email: null, userId: row.user_id };
      }),
    ];
  }

  /**
   * Carries out what a resolver knows about these, in one transaction.
   *
   * @returns the places that were still in doubt, and are not any more.
   */
  async resolve(
    { mailingId, batch }: HeldClaim,
    rows: DoubtfulRow[],
    verdict: 'sent' | 'resend',
  ): Promise<Set<number>> {
    if (rows.length === 0) return new Set();
    const slice = { mailingId, batch };
    return this.database.transaction(async (session) => {
      await lockProgress(session, slice);
      const changed = new Set<number>();
      for (const source of SOURCES) {
        const asked = rows.filter((row) => row.source === source).map((row) => row.idx);
        // A person may have settled some while the host was being asked.
        for (const idx of await settleThoseInDoubt(session, slice, source, asked, verdict)) changed.add(idx);
      }
      return changed;
    });
  }

  /**
   * Settles recipients as sent that are in doubt because a claim was lost before their answers were written. Of recipients that are settled
   * otherwise nothing changes.
   *
   * @returns recipients that were in doubt; and whether some may come to be, because they are still in flight by the rows.
   */
  async settleAnsweredLate(
    slice: Slice,
    indexes: number[],
  ): Promise<{ settled: Set<number>; isOver: boolean }> {
    return this.database.transaction(async (session) => {
      await lockProgress(session, slice);
      const settled = new Set<number>();
      let isOver = true;
      for (const source of SOURCES) {
        for (const idx of await settleThoseInDoubt(session, slice, source, indexes, 'sent')) settled.add(idx);
        if (await hasUnsettled(session, session.tables[source], slice.mailingId, indexes)) isOver = false;
      }
      return { settled, isOver };
    });
  }

  /** How a mailing stands. @returns null if there is no such mailing. */
  async read(mailingId: string, session: Session = this.database): Promise<RequestedMailing | null> {
    const [row] = await session.rows<Record<string, unknown>>(
      `SELECT status, uniq_server_id, claim_token, is_batched, message_to FROM ${session.tables.mailing} WHERE id = ?`,
      [mailingId],
    );
    if (!row) return null;
    return {
      status: row.status as MailingStatus,
      uniqServerId: String(row.uniq_server_id),
      claimToken: row.claim_token as string | null,
      isBatched: Boolean(row.is_batched),
      isRedirected: row.message_to !== null,
    };
  }

  async #request(
    mailingId: string,
    point: FaultPoint,
    write: (session: Session) => Promise<void>,
  ): Promise<RequestedMailing | null> {
    const requested = await this.database.transaction(async (session) => {
      await write(session);
      return this.read(mailingId, session);
    });
    this.faultPoints.reach(point);
    return requested;
  }

  /** Goes through the list once, chunk by chunk, each a transaction of its own; cut off anywhere, the books add up. */
  async #forAll(
    mailingId: string,
    status: RetryableStatus,
    point: FaultPoint,
    change: ChangeChunk,
  ): Promise<number> {
    let total = 0;
    for await (const slice of this.#progressRowOf(mailingId)) {
      for (const source of SOURCES) {
        let fromIdx = 0;
        for (;;) {
          const { indexes, afterwards } = await this.database.transaction(async (session) => {
            await lockProgress(session, slice);
            const table = session.tables[source];
            const found = await findRetryable(session, table, slice, status, fromIdx, CHUNK);
            const changed = found.length > 0 ? await change(session, slice, source, found) : undefined;
            return { indexes: found, afterwards: changed };
          });
          if (indexes.length === 0) break;
          this.faultPoints.reach(point);
          await afterwards?.();
          total += indexes.length;
          fromIdx = indexes[indexes.length - 1] + 1;
        }
      }
    }
    return total;
  }

  /** The parts of a mailing that keep books of their own. */
  async *#progressRowOf(mailingId: string): AsyncGenerator<Slice> {
    const mailing = await this.read(mailingId);
    if (!mailing?.isBatched) return yield { mailingId, batch: null };
    for (let afterIdx = -1; ;) {
      const page = await findRetryableBatches(this.database, mailingId, afterIdx, CHUNK);
      yield* page;
      if (page.length < CHUNK) return;
      afterIdx = page[page.length - 1].batch?.startIdx ?? 0;
    }
  }
}

/** Under the lock of their progress row. @returns those that were in doubt, and are not any more. */
async function settleThoseInDoubt(
  session: Session,
  slice: Slice,
  source: SourceName,
  indexes: number[],
  verdict: 'sent' | 'resend',
): Promise<number[]> {
  const table = session.tables[source];
  const changed: number[] = [];
  await inChunks(indexes, async (chunk) => {
    const inDoubt = await stillInDoubt(session, table, slice.mailingId, chunk);
    if (inDoubt.length === 0) return 0;
    if (verdict === 'sent') await settleInDoubtRows(session, table, slice, inDoubt, 'sent');
    else await retryRecipients(session, table, slice, 'in_doubt', inDoubt);
    changed.push(...inDoubt);
    return inDoubt.length;
  });
  return changed;
}
