import type { EntityManager } from 'typeorm';
import type { ListedRecipient } from '../mail/listed-recipient.js';
import type { TemplateEmailInfo } from '../mail/template-email-info.js';

/** A transaction of the host that a mailing is written in. */
export interface HostTransaction {
  /** Writes in the same transaction. */
  readonly manager: EntityManager;
}

/** The terms of one send call: idempotency key, times and batch size. */
export interface MailingTerms {
  idempotencyKey: string | null;
  sendAt: Date | null;
  doNotStartAfter: Date | null;
  /** Number of idx values per batch; null: one server sends the whole mailing. */
  batchSize: number | null;
}

/** A mailing as stored: everything a run needs, after any restart. */
export interface StoredMailing {
  mailingId: string;
  info: TemplateEmailInfo;
  /** The template sources; null: they were not stored, and are read from the files. */
  content: Record<string, string> | null;
  /** Set if an attachment can't be read; `info` then has no attachments. */
  attachmentGone: { readonly reason: string } | null;
  /** Set if a column holds JSON of another kind than was written, in words for `status_reason`; `info` then lacks that column. */
  unreadable: string | null;
  /** Recipients of the whole mailing. */
  numProfiles: number;
}

/** A recipient with its idx in the mailing. */
export type NumberedRecipient = ListedRecipient & { idx: number };

/** The part of a list to cut into batches. */
export interface ListCut {
  /** Number of idx values per batch. */
  batchSize: number;
  /** A multiple of `batchSize`. */
  fromIdx: number;
  /** Exclusive. */
  toIdx: number;
}

/** Result of writing one chunk of a list. */
export interface WrittenChunk {
  /** Rows, skipped ones included; all other recipients of the chunk are duplicates. */
  numWritten: number;
  /** Recipients whose rows the database refused; they are written as skipped. */
  numRefused: number;
}

/**
 * Writes mailings and their lists, and reads them back, for the sender and the restarter alike. `TemplateEmailPersister` is the plugin's own;
 * a host gives another one by the option `templateEmailPersister`. A provider of the host is used as it is, any other class is instantiated
 * by Nest with its dependencies, and `TemplateEmailPersister` may be one of them.
 *
 * The engine claims, counts and settles recipients by statements of its own, so a persister of the host must leave the rows to
 * `TemplateEmailPersister`: it may refuse, change what is written, and write rows of its own beside.
 *
 * @example
 * ```ts
 * @Injectable()
 * class AuditedPersister extends TemplateEmailPersister {
 *   constructor(
 *     stored: TemplateEmailPersister,
 *     private readonly dataSource: DataSource,
 *   ) {
 *     super(stored);
 *   }
 *
 *   override async createMailing(...request: Parameters<MailingPersister['createMailing']>): Promise<string | null> {
 *     const [info, uniqServerId, claimToken, terms, content, given] = request;
 *     const create = async (transaction: HostTransaction): Promise<string | null> => {
 *       const mailingId = await super.createMailing(info, uniqServerId, claimToken, terms, content, transaction);
 *       await transaction.manager.query('INSERT INTO audit_line (mailing_id) VALUES (?)', [mailingId]);
 *       return mailingId;
 *     };
 *     return given ? create(given) : this.dataSource.transaction((manager) => this.inside(manager, create));
 *   }
 * }
 * ```
 */
export interface MailingPersister {
  /** Runs a job in a savepoint of a transaction of the host, and hands it what the other methods take as `transaction`. */
  inside<T>(manager: EntityManager, job: (transaction: HostTransaction) => Promise<T>): Promise<T>;

  /** Inserts a mailing in state `loading`. @returns its id, or null if a mailing with this idempotency key exists. */
  createMailing(
    info: TemplateEmailInfo,
    uniqServerId: string,
    claimToken: string,
    terms: MailingTerms,
    content: Record<string, string> | null,
    transaction: HostTransaction | null,
  ): Promise<string | null>;

  /** Writes one chunk of the list, and cuts the part `cut` of the list into batches. @returns null if the claim on the list is lost. */
  writeChunk(
    mailingId: string,
    claimToken: string,
    recipients: NumberedRecipient[],
    cut: ListCut | null,
    transaction: HostTransaction | null,
  ): Promise<WrittenChunk | null>;

  /** Makes the mailing `pending`. @returns false if the claim on the list is lost. */
  finishList(
    mailingId: string,
    claimToken: string,
    numProfiles: number,
    cut: ListCut | null,
    transaction: HostTransaction | null,
  ): Promise<boolean>;

  /** Makes a mailing `failed` whose list can't be completed. @returns false if the list is no longer being written under this token. */
  failList(mailingId: string, claimToken: string, reason: string): Promise<boolean>;

  /** Releases the idempotency key of a mailing whose list was never completed. */
  releaseKey(mailingId: string, transaction?: HostTransaction | null): Promise<void>;

  /**
   * Reads what a run needs of a mailing, on any server and after any restart. Awaited for `run.hostCallTimeoutMs`.
   *
   * @returns null if there is no such mailing.
   */
  readMailing(mailingId: string): Promise<StoredMailing | null>;

  /** Pauses a `pending` mailing that can't be sent as things are. @returns false if it was not `pending`. */
  pausePending(mailingId: string, reason: string): Promise<boolean>;
}
