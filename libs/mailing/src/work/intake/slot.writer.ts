import { readFilling, type SlotFilling } from '../../model/mail/slot-filling.js';
import type { SourceWatch } from '../../model/host-calls/source-watch.js';
import { storableOf } from '../../model/mail/refused-content.js';
import type { SlotPersister } from '../../store/intake/slot.persister.js';
import { type SlotRow, toSlotJson } from '../../store/contents/insert-slots.js';
import { ALL_PROFILES } from '../../store/contents/read-slots.js';
import { TransactionListTooLongError } from '../../model/errors/host-transaction.errors.js';
import type { HostTransaction } from '../../model/ports/mailing.persister.js';
import { ListTakenAwayError, MAX_IN_TRANSACTION } from './recipient-list.writer.js';

/** As for lists: the smallest `max_allowed_packet` in use is 1 MiB. */
const BYTES_PER_CHUNK = 768 * 1024;

/** Writes a filling of any length to a mailing that is `loading`, one chunk in memory at a time. */
export class SlotWriter {
  #chunk: SlotRow[] = [];
  #chunkBytes = 0;
  #numContents = 0;

  constructor(
    private readonly persister: SlotPersister,
    private readonly mailingId: string,
    private readonly claimToken: string,
    private readonly transaction: HostTransaction | null = null,
  ) {}

  /**
   * Writes all contents. A profile's content that can't be stored is replaced by a mark, and costs that profile only.
   *
   * @param watch ends the filling, also during the wait for a content.
   * @throws errors of the source of contents, SlotContentError, ListTakenAwayError.
   */
  async write(filling: SlotFilling, watch: SourceWatch): Promise<void> {
    for (const [slot, content] of Object.entries(filling.forAll))
      await this.#add(slot, ALL_PROFILES, content);
    for await (const { slot, userId, content } of readFilling(filling, watch)) {
      await this.#add(slot, userId, storableOf(slot, content));
    }
    await this.#flush();
  }

  async #add(slot: string, userId: string, content: unknown): Promise<void> {
    if (this.transaction && this.#numContents++ === MAX_IN_TRANSACTION)
      throw new TransactionListTooLongError('contents of slots', MAX_IN_TRANSACTION);
    const row = { slot, userId, json: toSlotJson(content) };
    const bytes = bytesOf(row);
    if (this.#chunkBytes + bytes > BYTES_PER_CHUNK) await this.#flush();
    this.#chunk.push(row);
    this.#chunkBytes += bytes;
    if (this.#chunk.length >= this.persister.rowsPerChunk) await this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#chunk.length === 0) return;
    const written = await this.persister.writeChunk(
      this.mailingId,
      this.claimToken,
      this.#chunk,
      this.transaction,
    );
    if (!written) throw new ListTakenAwayError();
    this.#chunk = [];
    this.#chunkBytes = 0;
  }
}

/** Upper bound of a row's bytes in a statement where parameters become text and quotes are doubled. */
function bytesOf({ userId, json }: SlotRow): number {
  const ROW_OVERHEAD = 450;
  return ROW_OVERHEAD + 3 * userId.length + 2 * Buffer.byteLength(json);
}
