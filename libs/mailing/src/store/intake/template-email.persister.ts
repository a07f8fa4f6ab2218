import type { EntityManager } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import {
  checkMailingId,
  checkText,
  checkWholeNumber,
  MAX_IDX,
  MAX_SERVER_ID_LENGTH,
  MAX_TOKEN_LENGTH,
} from '../../model/errors/argument.check.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type {
  HostTransaction,
  ListCut,
  MailingPersister,
  MailingTerms,
  NumberedRecipient,
  StoredMailing,
  WrittenChunk,
} from '../../model/ports/mailing.persister.js';
import { AttachmentGone } from '../attachments/attachment.storage.js';
import { AttachmentStore, type KeptAttachment } from '../attachments/attachment.store.js';
import { isDataFault, isDuplicateKey } from '../faults/database-fault.js';
import { HostTransactionSession } from '../database/host-transaction.session.js';
import type { MailingDatabase, Session, TransactionalSession } from '../database/mailing.database.js';
import { insertMailing } from './insert-mailing.js';
import { insertTrackingData } from './insert-tracking-data.js';
import { infoColumns, json, parsedColumns, toInfo } from './mailing-columns.js';
import { pausePending } from './pause-pending.js';
import { readMailingRow, readTrackingData } from './read-mailing.js';
import { releaseKey } from './release-key.js';
import { hashesOf, keepTemplates, readTemplates, type TemplateHashes } from '../contents/keep-templates.js';
import { partitionBatches } from '../recipients/partition-batches.js';
import { refreshStatistics } from './refresh-statistics.js';
import { failList } from './fail-list.js';
import { fenceLoading } from './fence-loading.js';
import { finishList } from './finish-list.js';
import { RowsUnaccountedForError, writeRecipients, writeRecipientsOneByOne } from './write-recipients.js';

const NO_TERMS: MailingTerms = {
  idempotencyKey: null,
  sendAt: null,
  doNotStartAfter: null,
  batchSize: null,
};

/** The idempotency key of the mailing exists already. Duplicates of other keys do not raise this error. */
class KeyTaken extends Error {}

/** A slower chunk with duplicates refreshes the statistics, at most once per `REFRESH_PAUSE_MS`: that costs some tenths of a second. */
const SLOW_CHUNK_MS = 500;
const REFRESH_PAUSE_MS = 10_000;

/**
 * Writes mailings and their recipients to the host's database and reads them back.
 *
 * Each chunk of a list is a transaction of its own, so a list of a million never holds a lock or a log of a million rows. A crash in between leaves
 * the mailing in state `loading`, in which no run sends it: only `finishList` makes it `pending`.
 *
 * @example
 * ```ts
 * declare const persister: TemplateEmailPersister;
 * const mailing = await persister.readMailing(mailingId);
 * console.log(mailing ? `${mailing.info.subject}: ${mailing.numProfiles} recipients` : 'there is no such mailing');
 * ```
 */
export class TemplateEmailPersister implements MailingPersister {
  #nextRefreshAt = 0;

  private readonly database: MailingDatabase;
  private readonly attachments: AttachmentStore;

  /** @param stored the plugin's own persister, for a class of the host that extends this one. */
  constructor(stored: TemplateEmailPersister);
  /** For the plugin. */
  constructor(database: MailingDatabase, attachments?: AttachmentStore);
  constructor(of: TemplateEmailPersister | MailingDatabase, attachments?: AttachmentStore) {
    const isExtended = of instanceof TemplateEmailPersister;
    this.database = isExtended ? of.database : of;
    this.attachments = isExtended ? of.attachments : (attachments ?? new AttachmentStore(of));
  }

  /**
   * Inserts the mailing in state `loading`.
   *
   * @param content the template sources, stored with the mailing; null: each run reads them anew.
   * @param transaction of the host, in which everything is written; null: in one of its own.
   * @returns the mailing's id, a UUID version 7, or null if a mailing with this idempotency key exists.
   * @throws InvalidArgumentError if an id or token is no text or too long; AttachmentNotStoredError if an attachment can't be stored; errors of the
   *   database.
   */
  async createMailing(
    info: TemplateEmailInfo,
    uniqServerId: string,
    claimToken: string,
    terms: MailingTerms = NO_TERMS,
    content: Record<string, string> | null = null,
    transaction: HostTransaction | null = null,
  ): Promise<string | null> {
    checkText('createMailing: uniqServerId', uniqServerId, MAX_SERVER_ID_LENGTH);
    checkText('createMailing: claimToken', claimToken, MAX_TOKEN_LENGTH);
    const mailingId = uuidv7();
    const columns: Record<string, unknown> = {
      uniq_server_id: uniqServerId,
      claim_token: claimToken,
      idempotency_key: terms.idempotencyKey,
      scheduled_at: toTimestamp(terms.sendAt),
      do_not_start_after: toTimestamp(terms.doNotStartAfter),
      is_batched: terms.batchSize === null ? 0 : 1,
      batch_size: terms.batchSize,
      template_hashes: json(content && hashesOf(content)),
      ...infoColumns(info),
    };
    if (info.attachments)
      columns.attachments = json(
        await this.attachments.keep(info.attachments, transaction ? this.#of(transaction) : undefined),
      );
    const write = async (session: Session): Promise<void> => {
      await insertMailing(session, mailingId, columns).catch((error: unknown) => {
        throw terms.idempotencyKey !== null && isDuplicateKey(error) ? new KeyTaken() : error;
      });
      if (content) await keepTemplates(session, content);
      await insertTrackingData(session, mailingId, info.trackingData ?? {});
    };
    try {
      await this.#of(transaction).transaction(write);
    } catch (error) {
      if (error instanceof KeyTaken) return null;
      throw error;
    }
    return mailingId;
  }

  /**
   * Writes one chunk of the list, and cuts the part `cut` of the list into batches. A recipient whose row the database refuses is written as skipped;
   * the others are written as usual.
   *
   * @returns the numbers of written and refused rows, or null if the claim on the list is lost (the mailing was canceled, or this server was declared
   *   dead).
   * @throws InvalidArgumentError if an argument is wrong; RefusedRowError if the database refuses even a skipped row; other errors of the database.
   */
  async writeChunk(
    mailingId: string,
    claimToken: string,
    recipients: NumberedRecipient[],
    cut: ListCut | null = null,
    transaction: HostTransaction | null = null,
  ): Promise<WrittenChunk | null> {
    checkPart('writeChunk', mailingId, claimToken, cut);
    const numInvalid = recipients.filter((one) => one.kind === 'invalid').length;
    const written = (write: typeof writeRecipients): Promise<WrittenChunk | null> =>
      this.#of(transaction).transaction(async (session) => {
        if (!(await fenceLoading(session, mailingId, claimToken, numInvalid))) return null;
        const chunk = await write(session, mailingId, recipients);
        if (chunk.numRefused > 0) await fenceLoading(session, mailingId, claimToken, chunk.numRefused);
        if (cut) await partitionBatches(session, mailingId, cut);
        return chunk;
      });
    const begun = performance.now();
    try {
      const chunk = await written(writeRecipients);
      if (chunk && !transaction && chunk.numWritten < recipients.length)
        await this.#noteSlowness(performance.now() - begun);
      return chunk;
    } catch (error) {
      if (!(error instanceof RowsUnaccountedForError) && !isDataFault(error)) throw error;
      return written(writeRecipientsOneByOne);
    }
  }

  #of(transaction: HostTransaction | null): TransactionalSession {
    return transaction ? HostTransactionSession.of(transaction) : this.database;
  }

  /** Refreshes the statistics after a slow chunk: old ones may make the database read the whole mailing to find duplicates. */
  async #noteSlowness(ms: number): Promise<void> {
    if (ms < SLOW_CHUNK_MS || performance.now() < this.#nextRefreshAt) return;
    this.#nextRefreshAt = performance.now() + REFRESH_PAUSE_MS;
    await refreshStatistics(this.database, Number.POSITIVE_INFINITY);
  }

  /**
   * Makes the mailing `pending` (`paused` if a pause was requested) and cuts its last batches.
   *
   * @returns false if the claim on the list is lost.
   * @throws InvalidArgumentError if an argument is wrong; errors of the database.
   */
  async finishList(
    mailingId: string,
    claimToken: string,
    numProfiles: number,
    cut: ListCut | null = null,
    transaction: HostTransaction | null = null,
  ): Promise<boolean> {
    checkPart('finishList', mailingId, claimToken, cut);
    checkWholeNumber('finishList: numProfiles', numProfiles, 0, MAX_IDX);
    // Refresh before the mailing is `pending` and a run may begin.
    if (!transaction) await refreshStatistics(this.database, numProfiles);
    return this.#of(transaction).transaction(async (session) => {
      if (!(await finishList(session, mailingId, claimToken, numProfiles, cut !== null))) return false;
      if (cut) await partitionBatches(session, mailingId, cut);
      return true;
    });
  }

  /**
   * Runs a job within a transaction of the host, in a savepoint: if the job fails, nothing of it stays. Hand what the job gets to the other methods.
   *
   * @param manager of an open transaction.
   * @throws TransactionDatabaseError if it is one of another database; errors of the job and of the database.
   */
  inside<T>(manager: EntityManager, job: (transaction: HostTransaction) => Promise<T>): Promise<T> {
    return HostTransactionSession.during(this.database, manager, job);
  }

  /**
   * Releases the idempotency key of a mailing whose list was never completed, so that the list can be written anew. The row stays as the record of
   * what happened. Of two callers one finds the key gone, and the unique index decides between their new mailings.
   *
   * @throws InvalidArgumentError if it can't be a mailing id; errors of the database.
   */
  async releaseKey(mailingId: string, transaction: HostTransaction | null = null): Promise<void> {
    checkMailingId('releaseKey: mailingId', mailingId);
    await releaseKey(this.#of(transaction), mailingId);
  }

  /**
   * Makes a mailing `failed` whose list can't be completed.
   *
   * @returns false if the list is no longer being written under this token; it may be complete.
   * @throws InvalidArgumentError if an argument is wrong; errors of the database.
   */
  async failList(mailingId: string, claimToken: string, reason: string): Promise<boolean> {
    checkPart('failList', mailingId, claimToken, null);
    return failList(this.database, mailingId, claimToken, reason);
  }

  /** How many rows one chunk should have in this database. */
  get rowsPerChunk(): number {
    return this.database.dialect.rowsPerInsert;
  }

  /**
   * Reads what a run needs of a mailing, with its attachments.
   *
   * @returns null if there is no such mailing.
   * @throws InvalidArgumentError if it can't be a mailing id; errors of the database.
   */
  async readMailing(mailingId: string): Promise<StoredMailing | null> {
    checkMailingId('readMailing: mailingId', mailingId);
    const row = await readMailingRow(this.database, mailingId);
    if (!row) return null;
    const { parsed, unreadable } = parsedColumns(row);
    const info = {
      ...toInfo({ ...row, ...parsed }),
      trackingData: await readTrackingData(this.database, mailingId),
    };
    const kept = parsed.attachments as KeptAttachment[] | null;
    const restored = kept ? await this.attachments.restore(kept) : undefined;
    const attachmentGone = restored instanceof AttachmentGone ? restored : null;
    info.attachments = restored instanceof AttachmentGone ? undefined : restored;
    const hashes = parsed.template_hashes as TemplateHashes | null;
    const content = hashes && (await readTemplates(this.database, hashes));
    return { mailingId, info, content, attachmentGone, unreadable, numProfiles: Number(row.num_profiles) };
  }

  /**
   * Pauses a `pending` mailing that can't be sent as things are.
   *
   * @returns false if it was not `pending`.
   * @throws InvalidArgumentError if it can't be a mailing id; errors of the database.
   */
  async pausePending(mailingId: string, reason: string): Promise<boolean> {
    checkMailingId('pausePending: mailingId', mailingId);
    return pausePending(this.database, mailingId, reason);
  }
}

function checkPart(call: string, mailingId: string, claimToken: string, cut: ListCut | null): void {
  checkMailingId(`${call}: mailingId`, mailingId);
  checkText(`${call}: claimToken`, claimToken, MAX_TOKEN_LENGTH);
  if (cut === null) return;
  checkWholeNumber(`${call}: cut.batchSize`, cut.batchSize, 1, MAX_IDX);
  checkWholeNumber(`${call}: cut.fromIdx`, cut.fromIdx, 0, MAX_IDX);
  checkWholeNumber(`${call}: cut.toIdx`, cut.toIdx, 0, MAX_IDX);
}

/** A moment in UTC as text that every supported database accepts, whatever the time zone of the driver. */
function toTimestamp(moment: Date | null): string | null {
  return moment === null ? null : moment.toISOString().replace('T', ' ').replace('Z', '');
}
