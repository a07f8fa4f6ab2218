import { createHash } from 'node:crypto';
import { RefusedContent } from '../../model/mail/refused-content.js';
import { SlotContentError } from '../../model/mail/slot.errors.js';
import { isDataFault } from '../faults/database-fault.js';
import type { MailingDatabase, Session } from '../database/mailing.database.js';
import { insertBisecting } from './insert-bisecting.js';
import { findNewSlots, firstSlots, insertSlots, type SlotRow, toSlotJson } from './insert-slots.js';
import { EVERYBODY, type KeptSlot, readSlots } from './read-slots.js';
import { fenceLoading } from './write-list.js';

/** Rows are missing that are no duplicates, or a value was changed; rolled back, and looked for. */
class SlotsRefused extends Error {}

/**
 * The slot of marks that stand apart from their profiles. A name that begins with a space can't be defined.
 */
export const APART = ' refused';

/** Keeps the content of slots with its mailing. It is written while the mailing is `loading`, and never changes. */
export class SlotPersister {
  constructor(private readonly database: MailingDatabase) {}

  /** How many rows one chunk should have in this database. */
  get rowsPerChunk(): number {
    return this.database.dialect.rowsPerInsert;
  }

  /**
   * Writes one chunk; of two contents for one profile and slot the first is kept. Where the database refuses what one profile sees, a mark
   * is kept in its place, and the profile is skipped.
   *
   * @returns false if the mailing is not being written under this token any more.
   * @throws SlotContentError where the database refuses what everybody sees, or even the mark.
   */
  async writeChunk(mailingId: string, claimToken: string, slots: readonly SlotRow[]): Promise<boolean> {
    const rows = firstSlots(slots);
    const written = (write: (session: Session) => Promise<void>): Promise<boolean> =>
      this.database.transaction(async (session) => {
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

  /** What these profiles see in this mailing; `EVERYBODY` among them for what all see. */
  read(mailingId: string, userIds: readonly string[]): Promise<KeptSlot[]> {
    return readSlots(this.database, mailingId, userIds);
  }

  /** Marks of these profiles that stand apart; to be asked where everybody's contents have `APART` among them. */
  async readApart(mailingId: string, userIds: readonly string[]): Promise<KeptSlot[]> {
    const byId = new Map(userIds.map((userId) => [idApart(userId), userId]));
    const kept = await readSlots(this.database, mailingId, [...byId.keys()]);
    // A profile may have such an id itself.
    return kept
      .filter(({ slot }) => slot === APART)
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
      if (row.userId !== EVERYBODY && (await this.#mark(session, mailingId, row))) continue;
      const shownTo = row.userId === EVERYBODY ? 'everybody' : 'one profile';
      const { is: content } = JSON.parse(row.json) as { is?: unknown };
      throw new SlotContentError(row.slot, shownTo, 'content that the database takes', content);
    }
  }

  /**
   * The mark stands apart, because the id of the profile may be the very thing that is refused. One for each profile, whatever slots it is for.
   *
   * @returns false if the database refuses the mark as well.
   */
  async #mark(session: Session, mailingId: string, { slot, userId }: SlotRow): Promise<boolean> {
    const insert = (some: SlotRow[]) => insertSlots(session, mailingId, some, 'all');
    const json = toSlotJson(RefusedContent.notTaken(slot));
    const apart = [
      { slot: APART, userId: EVERYBODY, json: toSlotJson(true) },
      { slot: APART, userId: idApart(userId), json },
    ];
    const fresh = await findNewSlots(session, mailingId, apart);
    return (await insertBisecting(session, fresh, insert)).length === 0;
  }
}

/** Which profile a mark that stands apart is about, in letters that every database takes. */
function idApart(userId: string): string {
  return createHash('sha256').update(userId).digest('hex');
}
