import type { FaultPoint, FaultPoints } from '../model/fault-points.js';
import type { MailingStatus } from '../model/mailing-status.js';
import { MailingEndedError } from '../model/order.errors.js';
import type { MailingDatabase, Session } from './mailing.database.js';
import { SOURCES, type SourceName } from './recipient-marking.js';
import { inChunks, placeholders } from './statements/placeholders.js';
import { orderCancel } from './statements/order-cancel.js';
import { orderPause } from './statements/order-pause.js';
import { hasTransportPaused, orderResume, resumeTransportPaused } from './statements/order-resume.js';
import {
  findUnlucky,
  lockMailing,
  retryRecipients,
  settleDoubt,
  stillInDoubt,
  type Unlucky,
} from './statements/retry-recipients.js';

/** Recipients of one transaction of an order. A bound for locks and logs, not for the order. */
const CHUNK = 1_000;

/** How a mailing stands after an order was written down. */
export interface OrderedMailing {
  status: MailingStatus;
  uniqServerId: string;
  claimToken: string | null;
}

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
export class StandingOrders {
  constructor(
    private readonly database: MailingDatabase,
    private readonly faultPoints: FaultPoints,
  ) {}

  /** @returns null if there is no such mailing. */
  pause(mailingId: string): Promise<OrderedMailing | null> {
    return this.#order(mailingId, 'afterPauseOrdered', (session) => orderPause(session, mailingId));
  }

  /** @param toServerId where it goes on if nobody works on it; null: where it is. */
  resume(mailingId: string, toServerId: string | null): Promise<OrderedMailing | null> {
    return this.#order(mailingId, 'afterResumeOrdered', (session) =>
      orderResume(session, mailingId, toServerId),
    );
  }

  cancel(mailingId: string): Promise<OrderedMailing | null> {
    return this.#order(mailingId, 'afterCancelOrdered', (session) => orderCancel(session, mailingId));
  }

  /** @returns how many mailings of this server go on. */
  resumeTransportPaused(uniqServerId: string): Promise<number> {
    return resumeTransportPaused(this.database, uniqServerId);
  }

  hasTransportPaused(uniqServerId: string): Promise<boolean> {
    return hasTransportPaused(this.database, uniqServerId);
  }

  /**
   * Makes everybody in this state due for another attempt.
   *
   * @returns how many.
   * @throws MailingEndedError if the mailing was canceled or has failed, also in the middle of it.
   */
  retry(mailingId: string, which: Unlucky): Promise<number> {
    return this.#forAll(mailingId, which, 'afterRetryChunk', (session, source, indexes, status) => {
      if (status === 'canceled' || status === 'canceling' || status === 'failed') {
        throw new MailingEndedError(mailingId, status);
      }
      return retryRecipients(session, session.tables[source], mailingId, which, indexes);
    });
  }

  /** Settles all doubt. @returns how many. */
  settleInDoubt(mailingId: string, as: 'sent' | 'error'): Promise<number> {
    return this.#forAll(mailingId, 'in_doubt', 'afterSettleChunk', (session, source, indexes) =>
      settleDoubt(session, session.tables[source], mailingId, indexes, as),
    );
  }

  /**
   * Those in doubt between two places of the list, and among some places before: at recovery that is whom the crash caught,
   * and few others.
   */
  async doubtful(
    mailingId: string,
    { fromIdx, toIdx, retries }: { fromIdx: number; toIdx: number; retries: number[] },
  ): Promise<DoubtfulRow[]> {
    const { emailAddress, userMailing } = this.database.tables;
    const orAmong = retries.length > 0 ? `OR idx IN (${placeholders(retries)})` : '';
    const where = `WHERE mailing_id = ? AND ((idx >= ? AND idx < ?) ${orAmong}) AND status = 'in_doubt' ORDER BY idx`;
    const parameters = [mailingId, fromIdx, toIdx, ...retries];
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

  /** Carries out what a resolver knows about these, in one transaction. */
  async resolve(mailingId: string, rows: DoubtfulRow[], verdict: 'sent' | 'resend'): Promise<void> {
    if (rows.length === 0) return;
    await this.database.transaction(async (session) => {
      await lockMailing(session, mailingId);
      for (const source of SOURCES) {
        const table = session.tables[source];
        const asked = rows.filter((row) => row.source === source).map((row) => row.idx);
        await inChunks(asked, async (chunk) => {
          // A person may have settled some while the host was being asked.
          const indexes = await stillInDoubt(session, table, mailingId, chunk);
          if (indexes.length === 0) return 0;
          if (verdict === 'sent') await settleDoubt(session, table, mailingId, indexes, 'sent');
          else await retryRecipients(session, table, mailingId, 'in_doubt', indexes);
          return indexes.length;
        });
      }
    });
  }

  /** How a mailing stands. @returns null if there is no such mailing. */
  async read(mailingId: string, session: Session = this.database): Promise<OrderedMailing | null> {
    const [row] = await session.rows<{
      status: MailingStatus;
      uniq_server_id: string;
      claim_token: string | null;
    }>(`SELECT status, uniq_server_id, claim_token FROM ${session.tables.mailing} WHERE id = ?`, [mailingId]);
    return row ? { status: row.status, uniqServerId: row.uniq_server_id, claimToken: row.claim_token } : null;
  }

  async #order(
    mailingId: string,
    point: FaultPoint,
    write: (session: Session) => Promise<void>,
  ): Promise<OrderedMailing | null> {
    const ordered = await this.database.transaction(async (session) => {
      await write(session);
      return this.read(mailingId, session);
    });
    this.faultPoints.reach(point);
    return ordered;
  }

  /** Goes through the list once, chunk by chunk, each a transaction of its own; cut off anywhere, the books add up. */
  async #forAll(
    mailingId: string,
    status: Unlucky,
    point: FaultPoint,
    change: (
      session: Session,
      source: SourceName,
      indexes: number[],
      status: MailingStatus | null,
    ) => Promise<void>,
  ): Promise<number> {
    let total = 0;
    for (const source of SOURCES) {
      let fromIdx = 0;
      for (;;) {
        const indexes = await this.database.transaction(async (session) => {
          const now = await lockMailing(session, mailingId);
          const table = session.tables[source];
          const found = await findUnlucky(session, table, mailingId, status, fromIdx, CHUNK);
          if (found.length > 0) await change(session, source, found, now);
          return found;
        });
        if (indexes.length === 0) break;
        this.faultPoints.reach(point);
        total += indexes.length;
        fromIdx = indexes[indexes.length - 1] + 1;
      }
    }
    return total;
  }
}
