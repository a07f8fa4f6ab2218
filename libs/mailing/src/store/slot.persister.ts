import { SlotContentError } from '../model/slot.errors.js';
import { isDataFault } from './database-fault.js';
import type { MailingDatabase, Session } from './mailing.database.js';
import { insertBisecting } from './statements/insert-bisecting.js';
import { findNewSlots, firstSlots, insertSlots, type SlotRow } from './statements/insert-slots.js';
import { EVERYBODY, type KeptSlot, readSlots } from './statements/read-slots.js';
import { fenceLoading } from './statements/write-list.js';

/** Rows are missing that are no duplicates, or a value was changed; rolled back, and looked for. */
class SlotsRefused extends Error {}

/** Keeps the content of slots with its mailing. It is written while the mailing is `loading`, and never changes. */
export class SlotPersister {
  constructor(private readonly database: MailingDatabase) {}

  /** How many rows one chunk should have in this database. */
  get rowsPerChunk(): number {
    return this.database.dialect.rowsPerInsert;
  }

  /**
   * Writes one chunk; of two contents for one profile and slot the first is kept.
   *
   * @returns false if the mailing is not being written under this token any more.
   * @throws SlotContentError naming the slot of the first content that the database refuses: without it a profile would see what all see.
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

  async #write(session: Session, mailingId: string, rows: SlotRow[]): Promise<void> {
    const { numRows, numWarnings } = await insertSlots(session, mailingId, rows, 'new ones');
    const numMissing = rows.length - numRows;
    if (numWarnings > numMissing) throw new SlotsRefused();
    if (numMissing > 0 && (await findNewSlots(session, mailingId, rows)).length > 0) throw new SlotsRefused();
  }

  async #writeOneByOne(session: Session, mailingId: string, rows: SlotRow[]): Promise<void> {
    const fresh = await findNewSlots(session, mailingId, rows);
    const insert = (some: SlotRow[]) => insertSlots(session, mailingId, some, 'all');
    const [refused] = await insertBisecting(session, fresh, insert);
    if (!refused) return;
    const shownTo = refused.userId === EVERYBODY ? 'everybody' : 'one profile';
    const { is: content } = JSON.parse(refused.json) as { is?: unknown };
    throw new SlotContentError(refused.slot, shownTo, 'content that the database takes', content);
  }
}
