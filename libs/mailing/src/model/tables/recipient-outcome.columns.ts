import { Column } from 'typeorm';
import { RECIPIENT_STATUSES, type RecipientStatus } from '../states/recipient-status.js';

/** What both recipient tables record about one recipient; the states are those of `recipient-status.ts`. */
export abstract class RecipientOutcomeColumns {
  /** An enumeration on databases that have them: its size does not depend on its value, see `changedAt`. */
  @Column({ name: 'status', type: 'simple-enum', enum: RECIPIENT_STATUSES })
  status: RecipientStatus;

  /** How often the message was handed over, or may have been. */
  @Column({ name: 'attempts', type: 'int', default: 0 })
  attempts: number;

  @Column({ name: 'next_attempt_at', type: Date, precision: 3, nullable: true })
  nextAttemptAt: Date | null;

  /**
   * Time of the last change of status; until then, the time when the row was written. Never null: InnoDB changes a row in place only if
   * each of its columns keeps its size, and a time that appears with the outcome would make each commit cost half as much again.
   */
  @Column({ name: 'changed_at', type: Date, precision: 3 })
  changedAt: Date;

  /** SMTP reply code, enhanced code or a word of ours (`template`, `invalid_address`, …). */
  @Column({ name: 'error_code', type: 'varchar', length: 64, nullable: true })
  errorCode: string | null;

  @Column({ name: 'error_text', type: 'varchar', length: 1000, nullable: true })
  errorText: string | null;
}
