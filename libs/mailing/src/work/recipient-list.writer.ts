import type { KeyOf } from '../model/email-address.js';
import type { FaultPoints } from '../model/fault-points.js';
import { type ListedRecipient, toListedRecipient } from '../model/listed-recipient.js';
import type { Recipients } from '../model/recipient.js';
import { ProfileRepositoryMissingError } from '../model/refusal.errors.js';
import { beginReading } from '../model/source-reading.js';
import type { Cut } from '../store/statements/cut-batches.js';
import type { NumberedRecipient } from '../store/statements/insert-recipients.js';
import type { TemplateEmailPersister } from '../store/template-email.persister.js';

/** A chunk ends here even if it has few rows: the smallest `max_allowed_packet` in use is 1 MiB, and text may double. */
const BYTES_PER_CHUNK = 256 * 1024;

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

/** Writes a list of any length to a mailing, one chunk in memory at a time. */
export class RecipientListWriter {
  /** As far as it is written. */
  readonly list: WrittenList = { numProfiles: 0, numDuplicates: 0, numInvalid: 0, isBatched: false };
  #chunk: NumberedRecipient[] = [];
  #chunkBytes = 0;
  #nextIdx = 0;
  /** Everybody before this place is in a batch. */
  #cutIdx = 0;

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
    for await (const recipient of beginReading(recipients, 'recipients')) {
      stop.throwIfAborted();
      this.#add(toListedRecipient(recipient, true, this.how.keyOf));
      if (this.#isFull) await this.#flush();
    }
    await this.#flush();
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
    this.#chunk.push({ ...listed, idx: this.#nextIdx++ });
    this.#chunkBytes += bytesOf(listed);
  }

  async #flush(): Promise<void> {
    if (this.#chunk.length === 0) return;
    const { batchSize } = this.how;
    const cut = batchSize === null ? null : this.#cutUpTo(this.#nextIdx - (this.#nextIdx % batchSize));
    const inserted = await this.persister.writeChunk(this.mailingId, this.claimToken, this.#chunk, cut);
    if (inserted === null) throw new ListTakenAwayError();
    this.#cutIdx = cut?.toIdx ?? 0;
    this.list.numProfiles += inserted;
    this.list.numDuplicates += this.#chunk.length - inserted;
    this.#chunk = [];
    this.#chunkBytes = 0;
    this.faultPoints.reach('afterChunkWritten');
  }

  /** Null for a mailing that is not cut. */
  #cutUpTo(toIdx: number): Cut | null {
    const { batchSize } = this.how;
    return batchSize === null ? null : { batchSize, fromIdx: this.#cutIdx, toIdx };
  }
}

function bytesOf(listed: ListedRecipient): number {
  const ROW_OVERHEAD = 150;
  if (listed.kind !== 'address') return ROW_OVERHEAD;
  return ROW_OVERHEAD + listed.email.length + (listed.data === null ? 0 : JSON.stringify(listed.data).length);
}
