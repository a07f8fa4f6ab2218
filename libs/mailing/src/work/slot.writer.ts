import type { FilledSlot, SlotFilling } from '../model/slot-filling.js';
import { toStorable } from '../model/storable.js';
import type { SlotPersister } from '../store/slot.persister.js';
import { EVERYBODY } from '../store/statements/read-slots.js';
import { ListTakenAwayError } from './recipient-list.writer.js';

/** As for lists: the smallest `max_allowed_packet` in use is 1 MiB, and text may double. */
const BYTES_PER_CHUNK = 256 * 1024;

/** Writes a filling of any length to a mailing that is `loading`, one chunk in memory at a time. */
export class SlotWriter {
  #chunk: FilledSlot[] = [];
  #chunkBytes = 0;

  constructor(
    private readonly persister: SlotPersister,
    private readonly mailingId: string,
    private readonly claimToken: string,
  ) {}

  /**
   * @param stop aborts in between when the server stops.
   * @throws whatever the source of contents throws, SlotContentError, UnstorableValueError, ListTakenAwayError.
   */
  async write(filling: SlotFilling, stop: AbortSignal): Promise<void> {
    for (const [slot, content] of Object.entries(filling.forAll)) {
      await this.#add({ slot, userId: EVERYBODY, content });
    }
    for await (const { slot, userId, content } of filling.forProfiles()) {
      stop.throwIfAborted();
      await this.#add({ slot, userId, content: toStorable(content, `slots.${slot} of one profile`) });
    }
    await this.#flush();
  }

  async #add(filled: FilledSlot): Promise<void> {
    const ROW_OVERHEAD = 150;
    this.#chunk.push(filled);
    this.#chunkBytes += ROW_OVERHEAD + (JSON.stringify(filled.content) ?? '').length;
    const isFull = this.#chunk.length >= this.persister.rowsPerChunk || this.#chunkBytes >= BYTES_PER_CHUNK;
    if (isFull) await this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#chunk.length === 0) return;
    const written = await this.persister.writeChunk(this.mailingId, this.claimToken, this.#chunk);
    if (!written) throw new ListTakenAwayError();
    this.#chunk = [];
    this.#chunkBytes = 0;
  }
}
