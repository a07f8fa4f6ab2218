import { Column, Entity, PrimaryColumn } from 'typeorm';
import { KEY_LENGTH } from '../addresses/email-address.js';

/**
 * Which profile of a mailing is mailed at an address: the idx that claimed it first, and no other.
 *
 * The key `(mailing_id, address_key)` decides. A row is written before its message is handed over and never changed. There is no index on
 * `idx`: no query asks for the address of an idx.
 */
@Entity({ name: 'dps_mail_address_claim' })
export class MailAddressClaim {
  @PrimaryColumn({ name: 'mailing_id', type: 'varchar', length: 36 })
  mailingId: string;

  /** As in `dps_email_address`. */
  @PrimaryColumn({ name: 'address_key', type: 'varchar', length: KEY_LENGTH })
  addressKey: string;

  /** Position of the profile in the mailing. */
  @Column({ name: 'idx', type: 'int' })
  idx: number;
}
