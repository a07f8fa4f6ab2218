import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * Content of a slot, kept with its mailing: for everybody, or for one profile.
 *
 * The key begins with what a commit asks for, the content of some profiles of a mailing in whatever slots.
 */
@Entity({ name: 'dps_mail_slot' })
export class MailSlot {
  @PrimaryColumn({ name: 'mailing_id', type: 'varchar', length: 36 })
  mailingId: string;

  /** Empty: for everybody. */
  @PrimaryColumn({ name: 'user_id', type: 'varchar', length: 255 })
  userId: string;

  @PrimaryColumn({ name: 'slot', type: 'varchar', length: 100 })
  slot: string;

  /**
   * In an object, because drivers read a text that is JSON each in its own way. `refused` in place of `is`: the content could not be kept, and
   * its profile is skipped with this text. No content can be taken for that, because every content stands inside `is`.
   */
  @Column({ name: 'content', type: 'json', nullable: true })
  content: { is?: unknown } | { refused: string } | null;
}
