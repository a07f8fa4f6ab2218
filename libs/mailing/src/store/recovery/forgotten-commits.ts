import { isDrawnBy } from '../../model/states/claim-token.js';
import type { InFlightRecipients, HeldClaim } from '../ledger/held-claim.js';
import type { MailingDatabase } from '../database/mailing.database.js';
import type { SliceMemory } from '../failover/slice.memory.js';
import { readClaim, readBatchClaims, readHeldClaim } from '../ledger/read-progress.js';
import { reserveSlice } from './reserve-slice.js';
import { type ForgottenSlice, isOpen } from './forgotten-slice.js';
import { restoreCommits } from './restore-commits.js';

/** A slice whose progress row shows a lower commit number than this process has committed. */
export type BehindSlice = Pick<ForgottenSlice, 'memory' | 'seen'>;

export interface RestoredSlice {
  claim: HeldClaim;
  restored: InFlightRecipients;
}

/** Finds slices of which the database has forgotten commits, and restores those commits. */
export class ForgottenCommits {
  constructor(private readonly database: MailingDatabase) {}

  /**
   * Slices without a run whose progress row has shown a lower number for `lagTimeoutMs`.
   *
   * A database that was rewound has lost its last commits. So one row tells whether anything is missing: that of the slice with the latest commit,
   * among slices whose row exists. Cost: one statement for each call while anything is remembered.
   */
  async find(): Promise<BehindSlice[]> {
    const idle = this.database.commits.idle();
    const isSuspected = idle.some(({ behindSince, isRewound }) => behindSince !== null || isRewound);
    if (!isSuspected && (await this.#isLastOneThere(idle))) {
      for (const memory of idle) this.database.commits.confirm(memory);
      return [];
    }
    const found: BehindSlice[] = [];
    for (const memory of idle) {
      const seen = await this.#look(memory);
      if (seen !== null && seen !== 'missing' && this.#isOverdue(memory)) found.push({ memory, seen });
    }
    return found;
  }

  /**
   * Reserves all slices that show a lower number, including those with a run. Call it before the first heartbeat on a database server that was not
   * known before: after that heartbeat, other processes may claim free slices there.
   *
   * @param incarnation of this process, as the other processes know it.
   */
  async reserve(uniqServerId: string, incarnation: string): Promise<void> {
    for (const behind of await this.#behind()) {
      const { memory, seen } = behind;
      this.#noteFork(memory, seen);
      // The token of an earlier incarnation counts as that of a dead process.
      const isOurs = isDrawnBy(memory.claimToken, incarnation);
      const claimToken = isOurs ? (memory.claimToken as string) : `${incarnation}#forgotten`;
      const forgotten = { ...behind, uniqServerId, claimToken };
      if (!(await reserveSlice(this.database, forgotten))) continue;
      memory.behindSince ??= performance.now();
    }
  }

  /** @returns null if the progress row has changed since it was read, or the mailing or batch has ended; an ended slice is not restored. */
  async restore(forgotten: ForgottenSlice): Promise<RestoredSlice | null> {
    const { memory, seen, claimToken } = forgotten;
    this.#noteFork(memory, seen);
    const done = await this.database.transaction(async (session) => {
      const restored = await restoreCommits(session, forgotten);
      if (!restored) return null;
      return { restored, claim: await readHeldClaim(session, memory.slice, claimToken, restored) };
    });
    // The restored claim has committed all that the memory has.
    if (done) memory.skipTo(done.claim.commitSeq);
    else if (!(await isOpen(this.database, memory.slice))) this.database.commits.forget(memory);
    return done;
  }

  /** A missing row proves nothing: its mailing was removed, or the database has forgotten the whole mailing. */
  async #isLastOneThere(idle: SliceMemory[]): Promise<boolean> {
    for (const memory of idle.toReversed()) {
      const seen = await this.#look(memory);
      if (seen !== 'missing') return seen === null;
    }
    return false;
  }

  /** @returns what the progress row shows if its number is lower than the committed one, 'missing' if there is no row, otherwise null. */
  async #look(memory: SliceMemory): Promise<BehindSlice['seen'] | 'missing' | null> {
    const { commits } = this.database;
    const row = await readClaim(this.database, memory.slice);
    if (row && row.commitSeq >= memory.number) {
      commits.confirm(memory);
      return null;
    }
    memory.behindSince ??= performance.now();
    if (row) return { number: row.commitSeq, claimToken: row.claimToken };
    // A node that lags behind may not have the row yet.
    if (this.#isOverdue(memory)) commits.forget(memory);
    return 'missing';
  }

  #noteFork(memory: SliceMemory, { claimToken }: BehindSlice['seen']): void {
    if (claimToken !== null && !this.database.commits.isOwn(claimToken)) memory.noteFork();
  }

  /** All slices that show a lower number. One statement for each mailing without batches, one for many batches of a mailing. */
  async #behind(): Promise<BehindSlice[]> {
    const all = this.database.commits.all();
    const behind: BehindSlice[] = [];
    const note = (memory: SliceMemory | undefined, number: number, claimToken: string | null): void => {
      if (memory && number < memory.number) behind.push({ memory, seen: { number, claimToken } });
    };
    const batched = new Map<string, Map<number, SliceMemory>>();
    for (const memory of all) {
      const { mailingId, batch } = memory.slice;
      if (batch) {
        const batches = batched.get(mailingId) ?? new Map<number, SliceMemory>();
        batched.set(mailingId, batches.set(batch.startIdx, memory));
        continue;
      }
      const row = await readClaim(this.database, memory.slice);
      if (row) note(memory, row.commitSeq, row.claimToken);
    }
    for (const [mailingId, batches] of batched)
      for (const seen of await readBatchClaims(this.database, mailingId, [...batches.keys()]))
        note(batches.get(seen.startIdx), seen.number, seen.claimToken);
    return behind;
  }

  #isOverdue({ behindSince, isRewound }: SliceMemory): boolean {
    const { lagTimeoutMs } = this.database.commits.options;
    return isRewound || (behindSince !== null && performance.now() - behindSince >= lagTimeoutMs);
  }
}
