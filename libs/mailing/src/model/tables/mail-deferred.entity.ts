import { Column, Entity, PrimaryColumn } from 'typeorm';
import { PrefixedIndex } from './prefixed-index.js';

/**
 * A recipient that waits for another attempt, or is at it.
 *
 * A table of its own, so that the recipient tables, which are large, need no index on status. It holds the few recipients that the run has
 * passed by, and their rows stay until they are settled. The index `(mailing_id, next_attempt_at)` answers which of them are due.
 */
@Entity({ name: 'dps_mail_deferred' })
@PrefixedIndex('idx_dps_mail_deferred_due', ['mailingId', 'nextAttemptAt'])
export class MailDeferred {
  @PrimaryColumn({ name: 'mailing_id', type: 'varchar', length: 36 })
  mailingId: string;

  @PrimaryColumn({ name: 'idx', type: 'int' })
  idx: number;

  /** Null while the attempt is in flight. */
  @Column({ name: 'next_attempt_at', type: Date, precision: 3, nullable: true })
  nextAttemptAt: Date | null;
}
