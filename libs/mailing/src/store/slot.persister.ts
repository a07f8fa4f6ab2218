import type { FilledSlot } from '../model/slot-filling.js';
import type { MailingDatabase } from './mailing.database.js';
import { type KeptSlot, readSlots } from './statements/read-slots.js';
import { fenceLoading } from './statements/write-list.js';

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
   */
  writeChunk(mailingId: string, claimToken: string, slots: FilledSlot[]): Promise<boolean> {
    return this.database.transaction(async (session) => {
      if (!(await fenceLoading(session, mailingId, claimToken, 0))) return false;
      await session.change(
        session.dialect.insertIgnore(
          `${session.tables.mailSlot} (mailing_id, user_id, slot, content)`,
          slots.map(() => '(?, ?, ?, ?)').join(', '),
        ),
        slots.flatMap(({ slot, userId, content }) => [
          mailingId,
          userId,
          slot,
          JSON.stringify({ is: content }),
        ]),
      );
      return true;
    });
  }

  /** What these profiles see in this mailing; `EVERYBODY` among them for what all see. */
  read(mailingId: string, userIds: readonly string[]): Promise<KeptSlot[]> {
    return readSlots(this.database, mailingId, userIds);
  }
}
