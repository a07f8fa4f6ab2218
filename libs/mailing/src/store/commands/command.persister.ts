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
import { applyCommand } from '../completion/apply-command.js';
import { resumeMailing } from './resume-mailing.js';
import { lockProgress } from './lock-progress.js';
import { retryRecipients } from './retry-recipients.js';
import { settleInDoubtRows } from './settle-in-doubt.js';
import { hasTransportPaused, resumeTransportPaused, type MailingScope } from './transport-paused.js';

/** Recipients of one transaction of a command. It bounds locks and logs, not the command. */
const CHUNK = 1_000;

/** State of a mailing after a command was written. */
export interface RequestedMailing {
  status: MailingStatus;
  uniqServerId: string;
  claimToken: string | null;
  /** Its batches are claimed by any server, and the mailing itself has no run. */
  isBatched: boolean;
  /** All its messages go to one address, so none of its recipients was sent to. */
  isRedirected: boolean;
}

/**
 * What a command does to recipients of one table, under the lock of their progress row.
 *
 * @returns what is to be done after the commit.
 */
type ChangeChunk = (
  session: Session,
  slice: Slice,
  source: SourceName,
  indexes: number[],
) => Promise<(() => Promise<void>) | void>;

/** A recipient in doubt, as read from its row. */
export interface DoubtfulRow {
  idx: number;
  source: SourceName;
  email: string | null;
  userId: string | null;
}

/** Writes commands into the mailing's row. The mailing's run finds them there; no process has to be reached. */
export class CommandPersister {
  constructor(
    private readonly database: MailingDatabase,
    private readonly faultPoints: FaultPoints,
  ) {}

  /** @returns null if there is no such mailing. */
  pause(mailingId: string): Promise<RequestedMailing | null> {
    return this.#request(mailingId, 'afterPauseRequested', async (session) => {
      await requestPause(session, mailingId);
      await applyCommand(session, mailingId);
    });
  }

  /** @param toServerId the server that continues the mailing if it has no run; null: its present owner. */
  resume(mailingId: string, toServerId: string | null): Promise<RequestedMailing | null> {
    return this.#request(mailingId, 'afterResumeRequested', (session) =>
      resumeMailing(session, mailingId, toServerId),
    );
  }

  cancel(mailingId: string): Promise<RequestedMailing | null> {
    return this.#request(mailingId, 'afterCancelRequested', async (session) => {
      await requestCancel(session, mailingId);
      // A pending or paused mailing had nothing in flight and was canceled by `requestCancel`; the counters of its batches are not merged yet.
      if ((await applyCommand(session, mailingId)) === null) await mergeRestOfCanceled(session, mailingId);
    });
  }

  /** @returns how many mailings were resumed. */
  resumeTransportPaused(scope: MailingScope): Promise<number> {
    return resumeTransportPaused(this.database, scope);
  }

  hasTransportPaused(scope: MailingScope): Promise<boolean> {
    return hasTransportPaused(this.database, scope);
  }

  /**
   * Makes all recipients with this status due for another attempt.
   *
   * @returns how many.
   * @throws MailingEndedError if the mailing was canceled or has failed, also if that happens between two chunks.
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
   * Settles all recipients in doubt.
   *
   * @param settled called for each chunk after its commit, with the ids of the profiles that were sent to.
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
   * Recipients in doubt in a range of the list, and those of `retries`, at any idx. At recovery these are the recipients that were in flight, and few
   * others.
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
   * Carries out the verdict of a resolver on these recipients, in one transaction.
   *
   * @returns idx of the recipients that were still in doubt, and are not any more.
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
        // A person may have settled some of them while the host was asked.
        for (const idx of await settleThoseInDoubt(session, slice, source, asked, verdict)) changed.add(idx);
      }
      return changed;
    });
  }

  /**
   * Settles recipients as sent that are in doubt because a claim was lost before their answers were written. Recipients with another outcome are not
   * changed.
   *
   * @returns `settled`: idx of the recipients that were in doubt. `isOver`: false if some of them may still become in doubt, because their rows are
   *   `pending` or `sending`.
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

  /** State of a mailing. @returns null if there is no such mailing. */
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

  /** Processes the list once, chunk by chunk, each in its own transaction. If it is interrupted, the counters still add up. */
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

  /** The slices of a mailing that have their own progress row. */
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

/** Call it under the lock of the slice's progress row. @returns idx of the recipients that were in doubt, and are not any more. */
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
