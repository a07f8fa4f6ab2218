import { Column, Entity, PrimaryColumn } from 'typeorm';
import { KEY_LENGTH } from '../addresses/email-address.js';

/**
 * Which profile of a mailing is mailed at an address: the place that came first, and no other.
 *
 * The key `(mailing_id, address_key)` is what decides. A row is written before its message is handed over and never changed.
 * There is no index on `idx`: nobody asks for the address of a place.
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
