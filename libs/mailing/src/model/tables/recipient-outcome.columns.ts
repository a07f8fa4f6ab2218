import { Column } from 'typeorm';
import { RECIPIENT_STATUSES, type RecipientStatus } from '../states/recipient-status.js';

/** What both recipient tables record about one recipient; the states are those of `recipient-status.ts`. */
export abstract class RecipientOutcomeColumns {
  /**
   * `pending`, `sending`, `deferred`; settled: `sent`, `error`, `skipped`, `in_doubt`. A row that is `pending` with idx < `next_idx` of its mailing
   * or batch is in flight, as one that is `sending`. An enumeration on databases that have them: its size does not depend on its value, see
   * `changed_at`.
   */
  @Column({ name: 'status', type: 'simple-enum', enum: RECIPIENT_STATUSES })
  status: RecipientStatus;

  /** How often the message was handed over, or may have been. */
  @Column({ name: 'attempts', type: 'int', default: 0 })
  attempts: number;

  /** The next attempt of a `deferred` recipient is not before this time. */
  @Column({ name: 'next_attempt_at', type: Date, precision: 3, nullable: true })
  nextAttemptAt: Date | null;

  /**
   * Time of the last change of status; until then, the time when the row was written. Never null: InnoDB changes a row in place only if
   * each of its columns keeps its size, and a time that appears with the outcome would make each commit cost half as much again.
   */
  @Column({ name: 'changed_at', type: Date, precision: 3 })
  changedAt: Date;

  /** Reply code or enhanced code of the mail server, or a word of ours (`docs/recipients.md` lists them). Null for `sent`. */
  @Column({ name: 'error_code', type: 'varchar', length: 64, nullable: true })
  errorCode: string | null;

  /** The same in words: the answer of the mail server, cut to 1,000 characters, or a sentence of ours. */
  @Column({ name: 'error_text', type: 'varchar', length: 1000, nullable: true })
  errorText: string | null;
}
