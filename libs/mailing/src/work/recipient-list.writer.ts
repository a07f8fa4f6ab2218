import { setImmediate as turn } from 'node:timers/promises';
import type { KeyOf } from '../model/email-address.js';
import type { FaultPoints } from '../model/fault-points.js';
import { type ListedRecipient, toListedRecipient } from '../model/listed-recipient.js';
import type { Recipients } from '../model/recipient.js';
import { ProfileRepositoryMissingError } from '../model/refusal.errors.js';
import { beginReading } from '../model/source-reading.js';
import type { Cut } from '../store/statements/cut-batches.js';
import type { NumberedRecipient } from '../store/statements/insert-recipients.js';
import type { TemplateEmailPersister } from '../store/template-email.persister.js';

/** A chunk ends here even if it has few rows: the smallest `max_allowed_packet` in use is 1 MiB. */
const BYTES_PER_CHUNK = 768 * 1024;

/** A list that is an array never lets go of the processor, and the chunk under way could not go on. */
const ENTRIES_PER_TURN = 250;

/** How a list is written. */
export interface ListTerms {
  /** Whether profile ids can be turned into addresses. */
  hasProfiles: boolean;
  /** Places of one batch; null: it is not cut. */
  batchSize: number | null;
  keyOf: KeyOf;
}

/** What became of a list. */
export interface WrittenList {
  numProfiles: number;
  numDuplicates: number;
  numInvalid: number;
  /** It was cut in batches, and there is somebody in them. */
  isBatched: boolean;
}

/** The list stopped being ours in mid-writing: the mailing was canceled, or this server was declared dead. */
export class ListTakenAwayError extends Error {
  constructor() {
    super('the mailing was canceled, or this server was declared dead, while the list was being written');
  }
}

/**
 * Writes a list of any length to a mailing. While the database writes one chunk, the next one is read and looked at, so
 * there are never more than two in memory; their transactions follow one another.
 */
export class RecipientListWriter {
  /** As far as it is written. */
  readonly list: WrittenList = { numProfiles: 0, numDuplicates: 0, numInvalid: 0, isBatched: false };
  #chunk: NumberedRecipient[] = [];
  #chunkBytes = 0;
  #nextIdx = 0;
  /** Everybody before this place is in a batch. */
  #cutIdx = 0;
  /** The chunk that the database is at. */
  #writing: Promise<void> = Promise.resolve();
  #state: 'idle' | 'writing' | 'broken' = 'idle';

  constructor(
    private readonly persister: TemplateEmailPersister,
    private readonly mailingId: string,
    private readonly claimToken: string,
    private readonly how: ListTerms,
    private readonly faultPoints: FaultPoints,
  ) {}

  /**
   * Writes the whole list and makes the mailing `pending`.
   *
   * @param stop aborts in mid-list when the server stops.
   * @throws whatever the source of recipients throws, SourceUsedUpError, ProfileRepositoryMissingError, UnstorableValueError,
   * ListTakenAwayError.
   */
  async write(recipients: Recipients, stop: AbortSignal): Promise<WrittenList> {
    try {
      for await (const recipient of beginReading(recipients, 'recipients')) {
        stop.throwIfAborted();
        this.#add(toListedRecipient(recipient, true, this.how.keyOf));
        if (this.#isFull || this.#state === 'broken') await this.#flush();
        else if (this.#state === 'writing' && this.#nextIdx % ENTRIES_PER_TURN === 0) await turn();
      }
      await this.#flush();
      await this.#writing;
    } catch (error) {
      // Whoever calls the list failed must not meet a chunk that is still being written.
      await this.#writing.catch(() => undefined);
      throw error;
    }
    this.faultPoints.reach('beforeListFinished');
    const { numProfiles, numInvalid } = this.list;
    const cut = numProfiles > numInvalid ? this.#cutUpTo(this.#nextIdx) : null;
    this.list.isBatched = cut !== null;
    const finished = await this.persister.finishList(this.mailingId, this.claimToken, numProfiles, cut);
    if (!finished) throw new ListTakenAwayError();
    this.faultPoints.reach('afterListFinished');
    return this.list;
  }

  get #isFull(): boolean {
    return this.#chunk.length >= this.persister.rowsPerChunk || this.#chunkBytes >= BYTES_PER_CHUNK;
  }

  #add(listed: ListedRecipient): void {
    if (listed.kind === 'profile' && !this.how.hasProfiles)
      throw new ProfileRepositoryMissingError(listed.userId);
    if (listed.kind === 'invalid') this.list.numInvalid++;
    this.#chunk.push(Object.assign(listed, { idx: this.#nextIdx++ }));
    this.#chunkBytes += bytesOf(listed);
  }

  /** Waits for the chunk before, and for nothing more. @throws what became of that one. */
  async #flush(): Promise<void> {
    await this.#writing;
    if (this.#chunk.length === 0) return;
    this.#state = 'writing';
    this.#writing = this.#write(this.#chunk, this.#nextIdx);
    // It is told at the next entry.
    this.#writing.catch(() => (this.#state = 'broken'));
    this.#chunk = [];
    this.#chunkBytes = 0;
  }

  async #write(chunk: NumberedRecipient[], endIdx: number): Promise<void> {
    const { batchSize } = this.how;
    const cut = batchSize === null ? null : this.#cutUpTo(endIdx - (endIdx % batchSize));
    const inserted = await this.persister.writeChunk(this.mailingId, this.claimToken, chunk, cut);
    if (inserted === null) throw new ListTakenAwayError();
    this.#cutIdx = cut?.toIdx ?? 0;
    this.list.numProfiles += inserted;
    this.list.numDuplicates += chunk.length - inserted;
    this.#state = 'idle';
    this.faultPoints.reach('afterChunkWritten');
  }

  /** Null for a mailing that is not cut. */
  #cutUpTo(toIdx: number): Cut | null {
    const { batchSize } = this.how;
    return batchSize === null ? null : { batchSize, fromIdx: this.#cutIdx, toIdx };
  }
}

/** About as much as its row takes in a statement where parameters become text: quotes are doubled there, and a letter is up to 3 bytes. */
function bytesOf(listed: ListedRecipient): number {
  const ROW_OVERHEAD = 150;
  if (listed.kind === 'profile') return ROW_OVERHEAD + 3 * listed.userId.length;
  if (listed.kind === 'invalid') return ROW_OVERHEAD + 100 + 3 * listed.shownAs.length;
  const { email, name, data } = listed;
  const more = (name?.length ?? 0) + (data === null ? 0 : JSON.stringify(data).length);
  return ROW_OVERHEAD + 2 * email.length + 3 * more;
}
