import { Column, Entity, PrimaryColumn } from 'typeorm';
import { PrefixedIndex } from './prefixed-index.js';
import { SliceProgressColumns } from './slice-progress.columns.js';
import type { BatchStatus } from '../states/batch-status.js';

/**
 * A slice of a batched mailing: the recipients from `start_idx` up to, not including, `end_idx`. Its progress is kept in this row while a
 * server works on it, so that the servers of one mailing do not wait for each other. It is added to the mailing's progress once, when the
 * batch is complete.
 *
 * One index besides the key: `(status, mailing_id, not_before)`, for the free batches of a mailing, for whether any batch of a mailing is
 * still claimed, and for all claimed batches.
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

  /** `free`: no server works on it. `claimed`: a server does, or died while it did. `complete`: every recipient is settled. */
  @Column({ name: 'status', type: 'varchar', length: 16 })
  status: BatchStatus;

  /** The batch is not claimed before this time: the soonest next attempt, if only deferred recipients are left in it. */
  @Column({ name: 'not_before', type: Date, precision: 3 })
  notBefore: Date;

  /** Recipients in it that were not skipped when the list was written. */
  @Column({ name: 'num_profiles', type: 'int' })
  numProfiles: number;

  /** As `low_water_idx` of `dps_mailing`, for this batch; begins at `start_idx`. */
  @Column({ name: 'low_water_idx', type: 'int' })
  lowWaterIdx: number;

  /** As `next_idx` of `dps_mailing`, for this batch; begins at `start_idx`. */
  @Column({ name: 'next_idx', type: 'int' })
  nextIdx: number;

  /** As `high_water_idx` of `dps_mailing`, for this batch; begins at `start_idx`. */
  @Column({ name: 'high_water_idx', type: 'int' })
  highWaterIdx: number;

  /** Whether its counters have been added to the mailing's. */
  @Column({ name: 'is_summarized', type: 'boolean', default: false })
  isSummarized: boolean;
}
