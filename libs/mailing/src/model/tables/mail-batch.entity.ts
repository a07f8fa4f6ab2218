import { Column, Entity, PrimaryColumn } from 'typeorm';
import { PrefixedIndex } from './prefixed-index.js';
import { SliceProgressColumns } from './slice-progress.columns.js';
import type { BatchStatus } from '../states/batch-status.js';

/**
 * A slice of a batched mailing: the recipients from `start_idx` up to, not including, `end_idx`. Its books are kept here
 * while it is worked on, so that the servers of one mailing do not wait for each other, and are added to the mailing once.
 *
 * One index besides the key: `(status, mailing_id, not_before)` for "which is free of this mailing", "is any still claimed of
 * this mailing" and "which are claimed at all".
 */
@Entity({ name: 'dps_mail_batch' })
@PrefixedIndex('idx_dps_mail_batch_status', ['status', 'mailingId', 'notBefore'])
export class MailBatch extends SliceProgressColumns {
  @PrimaryColumn({ name: 'mailing_id', type: 'varchar', length: 36 })
  mailingId: string;

  @PrimaryColumn({ name: 'start_idx', type: 'int' })
  startIdx: number;

  @Column({ name: 'end_idx', type: 'int' })
  endIdx: number;

  /** The server that works on it; null while it is free. */
  @Column({ name: 'uniq_server_id', type: 'varchar', length: 255, nullable: true })
  uniqServerId: string | null;

  @Column({ name: 'status', type: 'varchar', length: 16 })
  status: BatchStatus;

  /** Not taken up before: the soonest of its recipients' next attempts, where nobody else is left in it. */
  @Column({ name: 'not_before', type: Date, precision: 3 })
  notBefore: Date;

  /** Recipients in it that were not skipped when the list was written. */
  @Column({ name: 'num_profiles', type: 'int' })
  numProfiles: number;

  /** As in `Mailing`; begins at `start_idx`. */
  @Column({ name: 'low_water_idx', type: 'int' })
  lowWaterIdx: number;

  /** As in `Mailing`; begins at `start_idx`. */
  @Column({ name: 'next_idx', type: 'int' })
  nextIdx: number;

  /** As in `Mailing`; begins at `start_idx`. */
  @Column({ name: 'high_water_idx', type: 'int' })
  highWaterIdx: number;

  /** Its counters are part of the mailing's. */
  @Column({ name: 'is_summarized', type: 'boolean', default: false })
  isSummarized: boolean;
}
