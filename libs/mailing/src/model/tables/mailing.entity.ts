import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { MailingStatus } from '../states/mailing-status.js';
import { PrefixedIndex } from './prefixed-index.js';
import { SliceProgressColumns } from './slice-progress.columns.js';

/**
 * One templated e-mail to one list of recipients.
 *
 * Four indexes besides the key: `(uniq_server_id, status)` for the restarter, which reads the unfinished mailings of this server at every
 * sweep, `(is_batched, status)` for the search for batches, `(batch_exec_id)` for executions of several mailings, and the unique
 * `idempotency_key`.
 */
@Entity({ name: 'dps_mailing' })
@PrefixedIndex('idx_dps_mailing_server', ['uniqServerId', 'status'])
@PrefixedIndex('idx_dps_mailing_batched', ['isBatched', 'status'])
@PrefixedIndex('idx_dps_mailing_execution', ['batchExecId'])
@PrefixedIndex('uq_dps_mailing_idempotency', ['idempotencyKey'], { unique: true })
export class Mailing extends SliceProgressColumns {
  /** UUID version 7, so that ids sort by the time of creation. */
  @PrimaryColumn({ name: 'id', type: 'varchar', length: 36 })
  id: string;

  @Column({ name: 'name', type: 'varchar', length: 255, nullable: true })
  name: string | null;

  /** Handlebars source of the subject. */
  @Column({ name: 'subject', type: 'text' })
  subject: string;

  /** The server that works on it, or will at its next start. */
  @Column({ name: 'uniq_server_id', type: 'varchar', length: 255, nullable: true })
  uniqServerId: string | null;

  @Column({ name: 'from_address', type: 'text' })
  from: string;

  @Column({ name: 'reply_to', type: 'text', nullable: true })
  replyTo: string | null;

  @Column({ name: 'cc', type: 'text', nullable: true })
  cc: string | null;

  @Column({ name: 'bcc', type: 'text', nullable: true })
  bcc: string | null;

  /** Address that every message goes to, instead of its recipient's. */
  @Column({ name: 'message_to', type: 'text', nullable: true })
  messageTo: string | null;

  /** Transport of the mailer by which its messages leave; null: that of the module. */
  @Column({ name: 'transporter_name', type: 'varchar', length: 255, nullable: true })
  transporterName: string | null;

  /** Address in the envelope of each message, to which bounces go; null: that of the module, or of `from_address`. */
  @Column({ name: 'envelope_from', type: 'text', nullable: true })
  envelopeFrom: string | null;

  /** Name of the function that makes the files of single recipients; null: none. */
  @Column({ name: 'recipient_attachments', type: 'varchar', length: 255, nullable: true })
  recipientAttachments: string | null;

  /** Relative to the configured template folder. */
  @Column({ name: 'template_url', type: 'text' })
  templateUrl: string;

  /** Template of the text part; without it the text part is made from the html. */
  @Column({ name: 'alt_template_url', type: 'text', nullable: true })
  altTemplateUrl: string | null;

  /** Keys of `dps_mail_template` by part, language and name; null: the mailing reads the files. */
  @Column({ name: 'template_hashes', type: 'json', nullable: true })
  templateHashes: Record<string, string> | null;

  @Column({ name: 'fill_from_templ', type: 'boolean', default: false })
  fillFromTemplate: boolean;

  @Column({ name: 'send_as_html', type: 'boolean', default: true })
  sendAsHtml: boolean;

  @Column({ name: 'send_as_text', type: 'boolean', default: true })
  sendAsText: boolean;

  /** How the text part is made from the html; null: as the options of the module say. */
  @Column({ name: 'text_options', type: 'json', nullable: true })
  textOptions: object | null;

  /** Whether its messages say how to unsubscribe. */
  @Column({ name: 'unsubscribe', type: 'boolean', default: true })
  unsubscribe: boolean;

  @Column({ name: 'params', type: 'json', nullable: true })
  params: Record<string, unknown> | null;

  @Column({ name: 'headers', type: 'json', nullable: true })
  headers: Record<string, string> | null;

  @Column({ name: 'attachments', type: 'json', nullable: true })
  attachments: unknown[] | null;

  @Column({ name: 'site_id', type: 'varchar', length: 255, nullable: true })
  siteId: string | null;

  @Column({ name: 'locale', type: 'varchar', length: 35, nullable: true })
  locale: string | null;

  @Column({ name: 'batch_exec_id', type: 'varchar', length: 255, nullable: true })
  batchExecId: string | null;

  @Column({ name: 'is_batched', type: 'boolean', default: false })
  isBatched: boolean;

  @Column({ name: 'batch_size', type: 'int', nullable: true })
  batchSize: number | null;

  @Column({ name: 'ignore_fatigue', type: 'boolean', default: false })
  ignoreFatigue: boolean;

  @Column({ name: 'idempotency_key', type: 'varchar', length: 255, nullable: true })
  idempotencyKey: string | null;

  /** `loading`, `pending`, `in_progress`, `pausing`, `paused`, `canceling`, `canceled`, `completed` or `failed`; see `docs/events.md`, `MailingStatus`. */
  @Column({ name: 'status', type: 'varchar', length: 16 })
  status: MailingStatus;

  /** Why the mailing is `paused` or `failed`, or why it is `pending` and does not begin. */
  @Column({ name: 'status_reason', type: 'text', nullable: true })
  statusReason: string | null;

  /** Recipients of the list, duplicates not counted. */
  @Column({ name: 'num_profiles', type: 'int', default: 0 })
  numProfiles: number;

  /** Yours: the plugin never writes it. */
  @Column({ name: 'num_soft_bounces', type: 'int', default: 0 })
  numSoftBounces: number;

  /** Invariant: every recipient with idx < low_water_idx is settled or has a row in `dps_mail_deferred`. Recovery reads from here on. */
  @Column({ name: 'low_water_idx', type: 'int', default: 0 })
  lowWaterIdx: number;

  /**
   * Where a run goes on. Invariant: every `pending` row with idx < next_idx is in flight. This is the intent to send, committed before
   * anything is handed over.
   */
  @Column({ name: 'next_idx', type: 'int', default: 0 })
  nextIdx: number;

  /**
   * Invariant: no recipient with idx >= high_water_idx was ever in flight. Recovery reads up to here. More than `next_idx` after a recipient was
   * handed back, and after a recovery.
   */
  @Column({ name: 'high_water_idx', type: 'int', default: 0 })
  highWaterIdx: number;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  /** The mailing is not begun before this time. */
  @Column({ name: 'scheduled_at', type: Date, precision: 3, nullable: true })
  scheduledAt: Date | null;

  /** A mailing that could not be begun until this time stays `pending` with a reason until a user resumes it. */
  @Column({ name: 'do_not_start_after', type: Date, precision: 3, nullable: true })
  doNotStartAfter: Date | null;
}
