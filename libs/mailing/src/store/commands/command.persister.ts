import type { FaultPoint, FaultPoints } from '../../model/ports/fault-points.js';
import type { Slice } from '../../model/states/slice.js';
import { applyCommand } from '../completion/apply-command.js';
import { mergeRestOfCanceled } from '../completion/merge-rest-of-canceled.js';
import type { MailingDatabase, Session } from '../database/mailing.database.js';
import type { HeldClaim } from '../ledger/held-claim.js';
import type { CommandScope } from './change-in-chunks.js';
import type { RetryableStatus } from './find-retryable.js';
import { continueMailing } from './continue-mailing.js';
import { type DoubtfulFrame, type DoubtfulRow, readDoubtful } from './read-doubtful.js';
import { readRequested, type RequestedMailing } from './read-requested.js';
import { requestCancel } from './request-cancel.js';
import { requestPause } from './request-pause.js';
import { resumeMailing } from './resume-mailing.js';
import { retryAll } from './retry-all.js';
import { settleAllInDoubt } from './settle-all-in-doubt.js';
import { resolveDoubtful } from './resolve-doubtful.js';
import { type LateKnowledge, settleLate, type SettledLate } from './settle-late.js';
import { findPausedTransports, type MailingScope, resumeTransportPaused } from './transport-paused.js';

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

  /**
   * Takes a canceled mailing up again, or one whose list failed.
   *
   * @param toServerId as for `resume`.
   * @returns null if there is no such mailing; `isContinued` is false for one in another state.
   */
  async continueMailing(
    mailingId: string,
    toServerId: string | null,
  ): Promise<(RequestedMailing & { isContinued: boolean }) | null> {
    let isContinued = false;
    const requested = await this.#request(mailingId, 'afterContinued', async (session) => {
      isContinued = await continueMailing(session, mailingId, toServerId);
    });
    return requested && { ...requested, isContinued };
  }

  cancel(mailingId: string): Promise<RequestedMailing | null> {
    return this.#request(mailingId, 'afterCancelRequested', async (session) => {
      await requestCancel(session, mailingId);
      // A pending or paused mailing had nothing in flight and was canceled by `requestCancel`; the counters of its batches are not merged yet.
      if ((await applyCommand(session, mailingId)) === null) await mergeRestOfCanceled(session, mailingId);
    });
  }

  /** @returns how many mailings were resumed. */
  resumeTransportPaused(scope: MailingScope, transporterName: string | null): Promise<number> {
    return resumeTransportPaused(this.database, scope, transporterName);
  }

  findPausedTransports(scope: MailingScope): Promise<(string | null)[]> {
    return findPausedTransports(this.database, scope);
  }

  /**
   * Makes all recipients with this status due for another attempt.
   *
   * @returns how many.
   * @throws MailingEndedError if the mailing was canceled or has failed, also if that happens between two chunks.
   */
  retry(mailingId: string, which: RetryableStatus): Promise<number> {
    return retryAll(this.#scope, mailingId, which);
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
    return settleAllInDoubt(this.#scope, mailingId, as, settled);
  }

  /** Recipients in doubt in a range of the list, and those of `frame.retries`. */
  doubtful(slice: Slice, frame: DoubtfulFrame): Promise<DoubtfulRow[]> {
    return readDoubtful(this.database, slice, frame);
  }

  /** Carries out the verdict of a resolver. @returns idx of the recipients that were still in doubt, and are not any more. */
  resolve(
    { mailingId, batch }: HeldClaim,
    rows: DoubtfulRow[],
    verdict: 'sent' | 'resend',
  ): Promise<Set<number>> {
    return resolveDoubtful(this.database, { mailingId, batch }, rows, verdict);
  }

  /** Settles recipients that are in doubt because a claim was lost, by what the process of that claim knows. */
  settleLate(slice: Slice, known: LateKnowledge): Promise<SettledLate> {
    return settleLate(this.database, slice, known);
  }

  /** State of a mailing. @returns null if there is no such mailing. */
  read(mailingId: string): Promise<RequestedMailing | null> {
    return readRequested(this.database, mailingId);
  }

  get #scope(): CommandScope {
    return { database: this.database, faultPoints: this.faultPoints };
  }

  async #request(
    mailingId: string,
    point: FaultPoint,
    write: (session: Session) => Promise<void>,
  ): Promise<RequestedMailing | null> {
    const requested = await this.database.transaction(async (session) => {
      await write(session);
      return readRequested(session, mailingId);
    });
    this.faultPoints.reach(point);
    return requested;
  }
}
