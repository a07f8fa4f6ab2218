import type { ExecutionResult } from '../../model/reports/execution-result.js';
import type { MailingResult } from '../../model/reports/mailing-handle.js';
import type { MailingOverview, ReasonCount } from '../../model/reports/mailing-overview.js';
import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { RecipientRecord } from '../../model/mail/recipient.js';
import type { MailingDatabase, Session } from '../database/mailing.database.js';
import { countByStatus, listMailings, type MailingPage } from './list-mailings.js';
import { readExecution } from './read-execution.js';
import { readReasons, readRecipients, type RecipientPage } from './read-recipients.js';
import { findByKey, type KnownMailing, readResult } from './read-results.js';

/** Reads the state of mailings and their recipients; changes nothing. */
export class MailingReader {
  constructor(private readonly database: MailingDatabase) {}

  /** @returns null if there is no such mailing. */
  result(mailingId: string): Promise<MailingResult | null> {
    return readResult(this.database, mailingId);
  }

  /** @returns null if there is no mailing of this execution. */
  execution(batchExecId: string): Promise<ExecutionResult | null> {
    return readExecution(this.database, batchExecId);
  }

  /** @returns null if there is no mailing with this key. */
  findByKey(idempotencyKey: string, session: Session = this.database): Promise<KnownMailing | null> {
    return findByKey(session, idempotencyKey);
  }

  /** One page of mailings, newest first. */
  list(page: MailingPage): Promise<MailingOverview[]> {
    return listMailings(this.database, page);
  }

  countsByStatus(): Promise<Map<MailingStatus, number>> {
    return countByStatus(this.database);
  }

  /** Recipients by state and reason, the most frequent first. */
  reasons(mailingId: string): Promise<ReasonCount[]> {
    return readReasons(this.database, mailingId);
  }

  /** One page of the recipients of a mailing, in order of sending. */
  recipients(mailingId: string, page: RecipientPage): Promise<RecipientRecord[]> {
    return readRecipients(this.database, mailingId, page);
  }
}
