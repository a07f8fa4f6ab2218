import { createHash } from 'node:crypto';
import { RefusedContent } from '../../model/mail/refused-content.js';
import { SlotContentError } from '../../model/mail/slot.errors.js';
import { isDataFault } from '../faults/database-fault.js';
import type { HostTransaction } from '../../model/ports/mailing.persister.js';
import { HostTransactionSession } from '../database/host-transaction.session.js';
import type { MailingDatabase, Session } from '../database/mailing.database.js';
import { insertBisecting } from './insert-bisecting.js';
import { findNewSlots, firstSlots, insertSlots, type SlotRow, toSlotJson } from '../contents/insert-slots.js';
import { ALL_PROFILES, type KeptSlot, readSlots } from '../contents/read-slots.js';
import { fenceLoading } from './fence-loading.js';

/**
 * Rows other than duplicates are missing, or a value was changed. The chunk is rolled back and written again in the slow way, which finds the refused
 * rows.
 */
class SlotsRefused extends Error {}

/** Slot name of marks that are stored under a hash of the profile's id. A host can't define it, because a slot name can't begin with a space. */
export const REFUSALS_SLOT = ' refused';

/** Stores slot contents with their mailing. They are written while the mailing is `loading`, and never change. */
export class SlotPersister {
  constructor(private readonly database: MailingDatabase) {}

  /** How many rows one chunk should have in this database. */
  get rowsPerChunk(): number {
    return this.database.dialect.rowsPerInsert;
  }

  /**
   * Writes one chunk. Of two contents for one profile and slot the first one is stored. If the database refuses the content of one profile, a mark is
   * stored instead, and the profile is skipped.
   *
   * @returns false if the mailing is no longer being written under this token.
   * @throws SlotContentError if the database refuses content for all profiles, or even the mark.
   */
  async writeChunk(
    mailingId: string,
    claimToken: string,
    slots: readonly SlotRow[],
    transaction: HostTransaction | null = null,
  ): Promise<boolean> {
    const rows = firstSlots(slots);
    const written = (write: (session: Session) => Promise<void>): Promise<boolean> =>
      (transaction ? HostTransactionSession.of(transaction) : this.database).transaction(async (session) => {
        if (!(await fenceLoading(session, mailingId, claimToken, 0))) return false;
        await write(session);
        return true;
      });
    try {
      return await written((session) => this.#write(session, mailingId, rows));
    } catch (error) {
      if (!(error instanceof SlotsRefused) && !isDataFault(error)) throw error;
      return written((session) => this.#writeOneByOne(session, mailingId, rows));
    }
  }

  /** Reads the contents of these profiles in this mailing. Include `ALL_PROFILES` for content that all profiles see. */
  read(mailingId: string, userIds: readonly string[]): Promise<KeptSlot[]> {
    return readSlots(this.database, mailingId, userIds);
  }

  /** Reads the marks of these profiles that are stored under a hash. Call it only if the contents of `ALL_PROFILES` include the slot `REFUSALS_SLOT`. */
  async readRefusals(mailingId: string, userIds: readonly string[]): Promise<KeptSlot[]> {
    const byId = new Map(userIds.map((userId) => [hashedIdOf(userId), userId]));
    const kept = await readSlots(this.database, mailingId, [...byId.keys()]);
    // A profile's own id may equal such a hash.
    return kept
      .filter(({ slot }) => slot === REFUSALS_SLOT)
      .map((one) => ({ ...one, userId: byId.get(one.userId)! }));
  }

  async #write(session: Session, mailingId: string, rows: SlotRow[]): Promise<void> {
    const { numRows, numWarnings } = await insertSlots(session, mailingId, rows, 'new ones');
    const numMissing = rows.length - numRows;
    if (numWarnings > numMissing) throw new SlotsRefused();
    if (numMissing > 0 && (await findNewSlots(session, mailingId, rows)).length > 0) throw new SlotsRefused();
  }

  async #writeOneByOne(session: Session, mailingId: string, rows: SlotRow[]): Promise<void> {
    const fresh = await findNewSlots(session, mailingId, rows);
    const insert = (some: SlotRow[]) => insertSlots(session, mailingId, some, 'all');
    for (const row of await insertBisecting(session, fresh, insert)) {
      if (row.userId !== ALL_PROFILES && (await this.#mark(session, mailingId, row))) continue;
      const shownTo = row.userId === ALL_PROFILES ? 'all recipients' : 'one profile';
      const { is: content } = JSON.parse(row.json) as { is?: unknown };
      throw new SlotContentError(row.slot, shownTo, 'content that the database takes', content);
    }
  }

  /**
   * Stores the mark under a hash of the profile's id, because the id itself may be what the database refuses. One mark per profile, whatever the
   * number of refused slots.
   *
   * @returns false if the database refuses the mark as well.
   */
  async #mark(session: Session, mailingId: string, { slot, userId }: SlotRow): Promise<boolean> {
    const insert = (some: SlotRow[]) => insertSlots(session, mailingId, some, 'all');
    const json = toSlotJson(RefusedContent.notTaken(slot));
    const marks = [
      { slot: REFUSALS_SLOT, userId: ALL_PROFILES, json: toSlotJson(true) },
      { slot: REFUSALS_SLOT, userId: hashedIdOf(userId), json },
    ];
    const fresh = await findNewSlots(session, mailingId, marks);
    return (await insertBisecting(session, fresh, insert)).length === 0;
  }
}

/** Hash of a profile's id, in characters that every database accepts. */
function hashedIdOf(userId: string): string {
  return createHash('sha256').update(userId).digest('hex');
}
