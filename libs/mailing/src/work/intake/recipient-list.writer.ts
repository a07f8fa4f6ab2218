import type { KeyOf } from '../../model/addresses/email-address.js';
import type { FaultPoints } from '../../model/ports/fault-points.js';
import { type ListedRecipient, toListedRecipient } from '../../model/mail/listed-recipient.js';
import type { Recipients } from '../../model/mail/recipient.js';
import { TransactionListTooLongError } from '../../model/errors/host-transaction.errors.js';
import { ProfileRepositoryMissingError } from '../../model/errors/request.errors.js';
import type { SourceWatch } from '../../model/host-calls/source-watch.js';
import { beginReading } from '../../model/host-calls/source-reading.js';
import type {
  HostTransaction,
  ListCut,
  MailingPersister,
  NumberedRecipient,
} from '../../model/ports/mailing.persister.js';

/** Limit of a chunk, even if it has few rows: the smallest `max_allowed_packet` in use is 1 MiB. */
const BYTES_PER_CHUNK = 768 * 1024;

/** Entries of one list within a transaction of the host, which holds its locks and its log until its end. A million would take some ten seconds. */
export const MAX_IN_TRANSACTION = 10_000;

/** A persister that says how many rows one chunk should have. */
export type ListPersister = MailingPersister & { readonly rowsPerChunk: number };

/** How a list is written. */
export interface ListTerms {
  /** Whether profile ids can be turned into addresses. */
  hasProfiles: boolean;
  /** Recipients in one batch; null: the mailing is not partitioned. */
  batchSize: number | null;
  keyOf: KeyOf;
  /** Of the host; null: each chunk is a transaction of its own. */
  transaction: HostTransaction | null;
}

/** The result of writing a list. */
export interface WrittenList {
  numProfiles: number;
  numDuplicates: number;
  numInvalid: number;
  /** The list was partitioned in batches, and they have recipients. */
  isBatched: boolean;
}

/** The list is not ours any more: the mailing was canceled, or this server was declared dead, while the list was being written. */
export class ListTakenAwayError extends Error {
  constructor() {
    super('the mailing was canceled, or this server was declared dead, while the list was being written');
  }
}

/**
 * Writes a list of any length to a mailing. While the database writes one chunk, the next one is read and checked, so there are never more than two
 * in memory. Their transactions follow one another. Within a transaction of the host, reading and writing take turns: the list may come from a query in
 * the same transaction, and a statement between a refused one and its savepoint would fail, too.
 */
export class RecipientListWriter {
  /** What is written so far. */
  readonly list: WrittenList = { numProfiles: 0, numDuplicates: 0, numInvalid: 0, isBatched: false };
  #chunk: NumberedRecipient[] = [];
  #chunkBytes = 0;
  #nextIdx = 0;
  /** Every recipient with a smaller idx is in a batch. */
  #cutIdx = 0;
  /** The write of the current chunk. */
  #writing: Promise<void> = Promise.resolve();
  #isBroken = false;

  constructor(
    private readonly persister: ListPersister,
    private readonly mailingId: string,
    private readonly claimToken: string,
    private readonly how: ListTerms,
    private readonly faultPoints: FaultPoints,
  ) {}

  /**
   * Writes the whole list and makes the mailing `pending`.
   *
   * @param watch ends the list, also during the wait for a recipient.
   * @throws errors of the source of recipients, SourceConsumedError, SourceProtocolError, ProfileRepositoryMissingError, ListTakenAwayError.
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
      // Wait for the chunk that is being written, so that the caller does not mark the list as failed during that write.
      await this.#writing.catch(() => undefined);
      throw error;
    }
    this.faultPoints.reach('beforeListFinished');
    const { numProfiles, numInvalid } = this.list;
    const cut = numProfiles > numInvalid ? this.#cutUpTo(this.#nextIdx) : null;
    this.list.isBatched = cut !== null;
    const { transaction } = this.how;
    const finished = await this.persister.finishList(
      this.mailingId,
      this.claimToken,
      numProfiles,
      cut,
      transaction,
    );
    if (!finished) throw new ListTakenAwayError();
    this.faultPoints.reach('afterListFinished');
    return this.list;
  }

  #add(listed: ListedRecipient, bytes: number): void {
    if (listed.kind === 'profile' && !this.how.hasProfiles) throw new ProfileRepositoryMissingError();
    if (this.how.transaction && this.#nextIdx === MAX_IN_TRANSACTION)
      throw new TransactionListTooLongError('recipients', MAX_IN_TRANSACTION);
    if (listed.kind === 'invalid') this.list.numInvalid++;
    this.#chunk.push(Object.assign(listed, { idx: this.#nextIdx++ }));
    this.#chunkBytes += bytes;
  }

  /** Waits for the previous chunk only, and starts the next write. @throws the error of the previous chunk. */
  async #flush(): Promise<void> {
    await this.#writing;
    if (this.#chunk.length === 0) return;
    this.#writing = this.#write(this.#chunk, this.#nextIdx);
    // The error is thrown at the next entry.
    this.#writing.catch(() => (this.#isBroken = true));
    this.#chunk = [];
    this.#chunkBytes = 0;
    if (this.how.transaction) await this.#writing;
  }

  async #write(chunk: NumberedRecipient[], endIdx: number): Promise<void> {
    const { batchSize, transaction } = this.how;
    const cut = batchSize === null ? null : this.#cutUpTo(endIdx - (endIdx % batchSize));
    const written = await this.persister.writeChunk(this.mailingId, this.claimToken, chunk, cut, transaction);
    if (written === null) throw new ListTakenAwayError();
    this.#cutIdx = cut?.toIdx ?? 0;
    this.list.numProfiles += written.numWritten;
    this.list.numDuplicates += chunk.length - written.numWritten;
    this.list.numInvalid += written.numRefused;
    this.faultPoints.reach('afterChunkWritten');
  }

  /** Null for a mailing that is not partitioned. */
  #cutUpTo(toIdx: number): ListCut | null {
    const { batchSize } = this.how;
    return batchSize === null ? null : { batchSize, fromIdx: this.#cutIdx, toIdx };
  }
}

/**
 * Upper bound of a row's bytes in a statement where parameters become text: there quotes and the like are doubled, and a letter takes up to 3 bytes.
 * JSON is escaped already, and its quotes are most of what is doubled.
 */
function bytesOf(listed: ListedRecipient): number {
  const ROW_OVERHEAD = 150;
  if (listed.kind === 'profile') return ROW_OVERHEAD + 3 * listed.userId.length;
  if (listed.kind === 'invalid') return ROW_OVERHEAD + 3 * (listed.shownAs.length + listed.text.length);
  const { email, name, json } = listed;
  const data = json === null ? 0 : 2 * Buffer.byteLength(json);
  return ROW_OVERHEAD + 2 * email.length + 3 * (name?.length ?? 0) + data;
}
