import {
  checkMailingId,
  checkText,
  checkWholeNumber,
  MAX_IDX,
  MAX_SERVER_ID_LENGTH,
  MAX_TOKEN_LENGTH,
} from '../../model/errors/argument.check.js';
import type { BatchName } from '../../model/ports/dispatcher.js';
import type { MailingStatus } from '../../model/states/mailing-status.js';
import { type HeldBatch, type HeldClaim } from '../ledger/held-claim.js';
import type { MailingDatabase } from '../database/mailing.database.js';
import { readBatchRange } from './read-batch-range.js';
import { claimBatch } from './claim-batch.js';
import { type DeadBatch, findDeadBatches } from './find-dead-batches.js';
import { findFreeBatches, findOpenMailings } from './find-free-batches.js';
import { inChunks } from '../database/placeholders.js';
import { findUnappliedCommands, applyCommand } from '../completion/apply-command.js';
import { nullIfRefused, refuseIfForgotten } from './refuse-forgotten.js';
import { readHeldClaim } from '../ledger/read-progress.js';
import { recoverClaim, type Recovery } from './recover-claim.js';

/** Bounds of one query; the next query finds the rest. */
const MAX_DEAD_AT_A_TIME = 1_000;
const MAX_COMMANDED_AT_A_TIME = 100;
const MAX_FREE_AT_A_TIME = 100_000;

/** The claim is rolled back: the mailing may not be worked on. */
class NotOpen extends Error {}

/**
 * The batches of all mailings in this database: free batches, claims, and batches that dead servers left behind.
 *
 * @example
 * ```ts
 * declare const batches: TemplateEmailBatchPersister;
 * const waiting = await batches.free(1);
 * console.log(waiting.length > 0 ? 'there is work for another mail server' : 'no mailing waits');
 * ```
 */
export class TemplateEmailBatchPersister {
  constructor(private readonly database: MailingDatabase) {}

  /**
   * Free batches that may be claimed now, oldest mailing first.
   *
   * @param among only batches of these mailings. Default: of all.
   * @throws InvalidArgumentError if `limit` is not from 1 to 100,000, or an id can't be a mailing id; errors of the database.
   */
  async free(limit: number, among?: readonly string[]): Promise<BatchName[]> {
    checkWholeNumber('free: limit', limit, 1, MAX_FREE_AT_A_TIME);
    for (const mailingId of among ?? []) checkMailingId('free: among', mailingId);
    // Claims would be refused.
    if (this.database.failovers.isWaiting) return [];
    if (!among) return this.#freeOf(await findOpenMailings(this.database, limit), limit);
    const found: BatchName[] = [];
    await inChunks(among, async (chunk) => {
      const most = limit - found.length;
      if (most > 0)
        found.push(...(await this.#freeOf(await findOpenMailings(this.database, most, chunk), most)));
      return chunk.length;
    });
    return found;
  }

  async #freeOf(mailingIds: string[], limit: number): Promise<BatchName[]> {
    const found: BatchName[] = [];
    for (const mailingId of mailingIds) {
      found.push(...(await findFreeBatches(this.database, mailingId, limit - found.length)));
      if (found.length >= limit) break;
    }
    return found;
  }

  /**
   * Claims a free batch.
   *
   * @returns null if the batch is not free any more, or its mailing may not be worked on.
   * @throws InvalidArgumentError if an argument can't be a batch, a server id or a token; errors of the database.
   */
  async claim(batch: BatchName, uniqServerId: string, claimToken: string): Promise<HeldBatch | null> {
    checkMailingId('claim: mailingId', batch?.mailingId);
    checkWholeNumber('claim: startIdx', batch.startIdx, 0, MAX_IDX);
    checkText('claim: uniqServerId', uniqServerId, MAX_SERVER_ID_LENGTH);
    checkText('claim: claimToken', claimToken, MAX_TOKEN_LENGTH);
    try {
      return await this.database.transaction(async (session) => {
        if (!(await claimBatch(session, batch, uniqServerId, claimToken))) throw new NotOpen();
        const claim = await readHeldClaim(session, await readBatchRange(session, batch), claimToken, null);
        return refuseIfForgotten(this.database, claim);
      });
    } catch (error) {
      return error instanceof NotOpen ? null : nullIfRefused(error);
    }
  }

  /**
   * Batches claimed by dead incarnations, and all batches that this server has claimed.
   *
   * @throws InvalidArgumentError if the id is no text or too long; errors of the database.
   */
  async claimedByDead(uniqServerId: string): Promise<DeadBatch[]> {
    checkText('claimedByDead: uniqServerId', uniqServerId, MAX_SERVER_ID_LENGTH);
    return findDeadBatches(this.database, uniqServerId, MAX_DEAD_AT_A_TIME);
  }

  /**
   * Claims the batch of a dead server and settles its recipients in flight.
   *
   * @returns null if another process was faster.
   * @throws InvalidArgumentError if an argument can't be a batch, a server id or a token; errors of the database.
   */
  async recover(
    dead: DeadBatch,
    uniqServerId: string,
    claimToken: string,
    how: Recovery,
  ): Promise<HeldClaim | null> {
    checkMailingId('recover: mailingId', dead?.mailingId);
    const { mailingId, batch, claimToken: deadToken } = dead;
    checkWholeNumber('recover: batch.startIdx', batch?.startIdx, 0, MAX_IDX);
    checkWholeNumber('recover: batch.endIdx', batch.endIdx, 0, MAX_IDX);
    checkText('recover: dead.claimToken', deadToken, MAX_TOKEN_LENGTH);
    checkText('recover: uniqServerId', uniqServerId, MAX_SERVER_ID_LENGTH);
    checkText('recover: claimToken', claimToken, MAX_TOKEN_LENGTH);
    const slice = { mailingId, batch };
    return recoverClaim(this.database, { slice, uniqServerId, deadToken, claimToken, ...how });
  }

  /** Batched mailings with a command that is not carried out yet, at most 100. @throws errors of the database. */
  requested(): Promise<string[]> {
    return findUnappliedCommands(this.database, MAX_COMMANDED_AT_A_TIME);
  }

  /**
   * Carries out the command if no batch is claimed any more.
   *
   * @returns the status reached; null: a batch is still claimed, or there is no command.
   * @throws InvalidArgumentError if it can't be a mailing id; errors of the database.
   */
  async applyCommand(mailingId: string): Promise<MailingStatus | null> {
    checkMailingId('applyCommand: mailingId', mailingId);
    return this.database.transaction((session) => applyCommand(session, mailingId));
  }
}
