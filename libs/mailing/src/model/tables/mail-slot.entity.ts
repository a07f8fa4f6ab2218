import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * Content of a slot, stored with its mailing: for all recipients, or for one profile.
 *
 * The key begins with what a commit queries: the content of some profiles of a mailing, in any slot.
 */
@Entity({ name: 'dps_mail_slot' })
export class MailSlot {
  @PrimaryColumn({ name: 'mailing_id', type: 'varchar', length: 36 })
  mailingId: string;

  /** Empty: for all recipients. */
  @PrimaryColumn({ name: 'user_id', type: 'varchar', length: 255 })
  userId: string;

  @PrimaryColumn({ name: 'slot', type: 'varchar', length: 100 })
  slot: string;

  /**
   * Wrapped in an object, because drivers differ in how they read a JSON value that is a text. `refused` instead of `is`: the content could
   * not be stored, and its profile is skipped with this text. Content can't be mistaken for a refusal, because all content is inside `is`.
   */
  @Column({ name: 'content', type: 'json', nullable: true })
  content: { is?: unknown } | { refused: string } | null;
}
