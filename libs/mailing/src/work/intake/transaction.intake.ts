import { randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import {
  MailingNotCommittedError,
  TransactionKeyBusyError,
} from '../../model/errors/host-transaction.errors.js';
import {
  RecipientListError,
  ServerShuttingDownError,
  ServerStandbyError,
  TemplateEmailRequestError,
} from '../../model/errors/request.errors.js';
import { toFilling } from '../../model/mail/slot-filling.js';
import type { Recipients } from '../../model/mail/recipient.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type { TemplateContent } from '../../model/ports/template.renderer.js';
import type { MailingResult, TransactionalMailingHandle } from '../../model/reports/mailing-handle.js';
import type { HostTransaction, MailingTerms } from '../../model/ports/mailing.persister.js';
import { HostTransactionSession } from '../../store/database/host-transaction.session.js';
import type { KnownMailing } from '../../store/queries/read-results.js';
import { keptOf, type MailingIntake, type MailingIntakeParts } from './mailing-intake.js';
import { RecipientListWriter, type WrittenList } from './recipient-list.writer.js';
import { SlotWriter } from './slot.writer.js';

type SharedParts =
  | 'settings'
  | 'persister'
  | 'slots'
  | 'reader'
  | 'membership'
  | 'hold'
  | 'profiles'
  | 'sources'
  | 'faultPoints';

export interface TransactionIntakeParts extends Pick<MailingIntakeParts, SharedParts> {
  intake: MailingIntake;
}

/**
 * Writes a mailing within a transaction of the host, so that it exists if and only if that transaction commits.
 *
 * Invariant: every statement of it is in that transaction, and none begins the mailing before the commit. Other transactions see neither the mailing
 * nor its list before, and a sweep after the commit finds the mailing as `pending`, as after a crash of the server that accepted it.
 */
export class TransactionIntake {
  constructor(private readonly parts: TransactionIntakeParts) {}

  /** @param manager of an open transaction. */
  async accept(
    manager: EntityManager,
    info: TemplateEmailInfo,
    recipients: Recipients,
    terms: MailingTerms,
    content: TemplateContent,
  ): Promise<TransactionalMailingHandle> {
    const { settings, membership, persister } = this.parts;
    const { uniqServerId } = settings;
    if (membership.other) throw new ServerStandbyError(uniqServerId, membership.other);
    return persister.inside(manager, async (transaction) => {
      for (;;) {
        // Not one of this process, which may not have registered yet: the list is claimed by the transaction, and no other process ever sees it.
        const claimToken = `${randomUUID()}#1`;
        const created = await persister.createMailing(
          info,
          uniqServerId,
          claimToken,
          terms,
          keptOf(content),
          transaction,
        );
        if (created !== null) return this.#write(created, claimToken, info, recipients, terms, transaction);
        const known = await this.#findKnown(terms.idempotencyKey as string, transaction);
        if (known) return this.#repeatOf(known);
      }
    });
  }

  async #write(
    mailingId: string,
    claimToken: string,
    info: TemplateEmailInfo,
    recipients: Recipients,
    { batchSize, sendAt }: MailingTerms,
    transaction: HostTransaction,
  ): Promise<TransactionalMailingHandle> {
    const { hold } = this.parts;
    const list = await this.#writeList(mailingId, claimToken, info, recipients, batchSize, transaction);
    // Harmless if the transaction is rolled back: the id is of no other mailing.
    hold.admit(mailingId);
    const { numProfiles, numDuplicates, isBatched } = list;
    const begin = (): Promise<MailingResult> => this.#begin(mailingId, isBatched, sendAt !== null);
    return { mailingId, numProfiles, numDuplicates, isRepeat: false, begin };
  }

  async #writeList(
    mailingId: string,
    claimToken: string,
    info: TemplateEmailInfo,
    recipients: Recipients,
    batchSize: number | null,
    transaction: HostTransaction,
  ): Promise<WrittenList> {
    const { settings, persister, slots, profiles, sources, faultPoints } = this.parts;
    const how = { hasProfiles: profiles() !== null, batchSize, keyOf: settings.addresses.keyOf, transaction };
    const writer = new RecipientListWriter(persister, mailingId, claimToken, how, faultPoints);
    try {
      return await sources.during({ mailingId }, async (watch) => {
        const slotWriter = new SlotWriter(slots, mailingId, claimToken, transaction);
        await slotWriter.write(toFilling(info.slots), watch);
        return writer.write(recipients, watch);
      });
    } catch (error) {
      throw error instanceof TemplateEmailRequestError ? error : new RecipientListError(mailingId, error);
    }
  }

  async #begin(mailingId: string, isBatched: boolean, isScheduled: boolean): Promise<MailingResult> {
    const { settings, intake, membership } = this.parts;
    await this.#assertCommitted(mailingId);
    if (intake.isStopping) throw new ServerShuttingDownError(settings.uniqServerId);
    if (!membership.incarnation) await membership.heartbeat();
    return membership.incarnation
      ? intake.begin(mailingId, isBatched, isScheduled)
      : intake.follow(mailingId);
  }

  async #assertCommitted(mailingId: string): Promise<void> {
    if ((await this.parts.reader.result(mailingId)) === null) throw new MailingNotCommittedError(mailingId);
  }

  /** @returns null if the key is free now. */
  async #findKnown(idempotencyKey: string, transaction: HostTransaction): Promise<KnownMailing | null> {
    const { reader, persister } = this.parts;
    const known = await reader.findByKey(idempotencyKey, HostTransactionSession.of(transaction));
    if (known?.status === 'loading') throw new TransactionKeyBusyError(idempotencyKey, known.mailingId);
    if (known?.status !== 'failed') return known;
    await persister.releaseKey(known.mailingId, transaction);
    return null;
  }

  #repeatOf({ mailingId, numProfiles }: KnownMailing): TransactionalMailingHandle {
    const begin = async (): Promise<MailingResult> => {
      // The first one may be of this very transaction.
      await this.#assertCommitted(mailingId);
      return this.parts.intake.follow(mailingId);
    };
    return { mailingId, numProfiles, numDuplicates: null, isRepeat: true, begin };
  }
}
