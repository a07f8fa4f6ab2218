import { Column, Entity, PrimaryColumn } from 'typeorm';
import { PrefixedIndex } from './prefixed-index.js';

/**
 * A recipient that waits for another attempt, or is at it.
 *
 * A table of its own, so that the big ones need no index on status: it holds the few that the order of sending has passed
 * by, and their rows stay until they are settled. The index `(mailing_id, next_attempt_at)` answers "who is due".
 */
@Entity({ name: 'dps_mail_deferred' })
@PrefixedIndex('idx_dps_mail_deferred_due', ['mailingId', 'nextAttemptAt'])
export class MailDeferred {
  @PrimaryColumn({ name: 'mailing_id', type: 'varchar', length: 36 })
  mailingId: string;

  @PrimaryColumn({ name: 'idx', type: 'int' })
  idx: number;

  /** Null while the attempt is being made. */
  @Column({ name: 'next_attempt_at', type: Date, precision: 3, nullable: true })
  nextAttemptAt: Date | null;
}
