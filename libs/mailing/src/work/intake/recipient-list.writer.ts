import type { KeyOf } from '../../model/addresses/email-address.js';
import type { FaultPoints } from '../../model/ports/fault-points.js';
import { type ListedRecipient, toListedRecipient } from '../../model/mail/listed-recipient.js';
import type { Recipients } from '../../model/mail/recipient.js';
import { ProfileRepositoryMissingError } from '../../model/errors/request.errors.js';
import type { SourceWatch } from '../../model/host-calls/source-watch.js';
import { beginReading } from '../../model/host-calls/source-reading.js';
import type { Cut } from '../../store/intake/partition-batches.js';
import type { NumberedRecipient } from '../../store/intake/insert-recipients.js';
import type { TemplateEmailPersister } from '../../store/intake/template-email.persister.js';

/** A chunk ends here even if it has few rows: the smallest `max_allowed_packet` in use is 1 MiB. */
const BYTES_PER_CHUNK = 768 * 1024;

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
  #isBroken = false;

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
   * @param watch ends the list, also while a recipient is waited for.
   * @throws whatever the source of recipients throws, SourceConsumedError, SourceProtocolError, ProfileRepositoryMissingError,
   * ListTakenAwayError.
   */
  async write(recipients: Recipients, watch: SourceWatch): Promise<WrittenList> {
    try {
      for await (const recipient of beginReading(recipients, 'recipients', watch)) {
        const listed = toListedRecipient(recipient, true, this.how.keyOf);
        const bytes = bytesOf(listed);
        if (this.#chunkBytes + bytes > BYTES_PER_CHUNK) await this.#flush();
        this.#add(listed, bytes);
        if (this.#chunk.length >= this.persister.rowsPerChunk || this.#isBroken) await this.#flush();
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

  #add(listed: ListedRecipient, bytes: number): void {
    if (listed.kind === 'profile' && !this.how.hasProfiles) throw new ProfileRepositoryMissingError();
    if (listed.kind === 'invalid') this.list.numInvalid++;
    this.#chunk.push(Object.assign(listed, { idx: this.#nextIdx++ }));
    this.#chunkBytes += bytes;
  }

  /** Waits for the chunk before, and for nothing more. @throws what became of that one. */
  async #flush(): Promise<void> {
    await this.#writing;
    if (this.#chunk.length === 0) return;
    this.#writing = this.#write(this.#chunk, this.#nextIdx);
    // It is told at the next entry.
    this.#writing.catch(() => (this.#isBroken = true));
    this.#chunk = [];
    this.#chunkBytes = 0;
  }

  async #write(chunk: NumberedRecipient[], endIdx: number): Promise<void> {
    const { batchSize } = this.how;
    const cut = batchSize === null ? null : this.#cutUpTo(endIdx - (endIdx % batchSize));
    const written = await this.persister.writeChunk(this.mailingId, this.claimToken, chunk, cut);
    if (written === null) throw new ListTakenAwayError();
    this.#cutIdx = cut?.toIdx ?? 0;
    this.list.numProfiles += written.numWritten;
    this.list.numDuplicates += chunk.length - written.numWritten;
    this.list.numInvalid += written.numRefused;
    this.faultPoints.reach('afterChunkWritten');
  }

  /** Null for a mailing that is not cut. */
  #cutUpTo(toIdx: number): Cut | null {
    const { batchSize } = this.how;
    return batchSize === null ? null : { batchSize, fromIdx: this.#cutIdx, toIdx };
  }
}

/**
 * The most that its row takes in a statement where parameters become text: there quotes and the like are doubled, and a letter is up
 * to 3 bytes. JSON is escaped already, and its quotes are most of what is doubled.
 */
function bytesOf(listed: ListedRecipient): number {
  const ROW_OVERHEAD = 150;
  if (listed.kind === 'profile') return ROW_OVERHEAD + 3 * listed.userId.length;
  if (listed.kind === 'invalid') return ROW_OVERHEAD + 3 * (listed.shownAs.length + listed.text.length);
  const { email, name, json } = listed;
  const data = json === null ? 0 : 2 * Buffer.byteLength(json);
  return ROW_OVERHEAD + 2 * email.length + 3 * (name?.length ?? 0) + data;
}
