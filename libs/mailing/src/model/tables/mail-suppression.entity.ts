import { Column, Entity, PrimaryColumn } from 'typeorm';
import { KEY_LENGTH } from '../addresses/email-address.js';

/** Width of the column `reason`. */
export const MAX_SUPPRESSION_REASON = 255;

/** An address that must not be mailed. The primary key answers the only query: which of these addresses are in the table. */
@Entity({ name: 'dps_mail_suppression' })
export class MailSuppression {
  /** As in `dps_email_address`. */
  @PrimaryColumn({ name: 'address_key', type: 'varchar', length: KEY_LENGTH })
  addressKey: string;

  /** As it was first entered, with its domain in ASCII. */
  @Column({ name: 'address', type: 'varchar', length: 320 })
  address: string;

  @Column({ name: 'reason', type: 'varchar', length: MAX_SUPPRESSION_REASON })
  reason: string;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;
}
