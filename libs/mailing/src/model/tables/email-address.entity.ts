import { Column, Entity, PrimaryColumn } from 'typeorm';
import { KEY_LENGTH } from '../addresses/email-address.js';
import { RecipientOutcomeColumns } from './recipient-outcome.columns.js';
import { PrefixedIndex } from './prefixed-index.js';

/**
 * A recipient that is a plain address.
 *
 * The key `(mailing_id, idx)` serves the run, which reads in order of sending. `(mailing_id, address_key)` makes a
 * second row for the same mailbox impossible.
 */
@Entity({ name: 'dps_email_address' })
@PrefixedIndex('uq_dps_email_address_key', ['mailingId', 'addressKey'], { unique: true })
export class EmailAddress extends RecipientOutcomeColumns {
  @PrimaryColumn({ name: 'mailing_id', type: 'varchar', length: 36 })
  mailingId: string;

  /** Position in the mailing; one numbering over both recipient tables. */
  @PrimaryColumn({ name: 'idx', type: 'int' })
  idx: number;

  /** Of an invalid entry: what was given, cut to 320 characters; of a value that is neither text nor number, its kind. */
  @Column({ name: 'email_address', type: 'varchar', length: 320 })
  emailAddress: string;

  @Column({ name: 'display_name', type: 'varchar', length: 255, nullable: true })
  displayName: string | null;

  /**
   * `mailboxKey` of the normalized address: its length is fixed, whatever the collation and row format of the database. `invalid:` and the
   * idx for an invalid entry, so that each has a row.
   */
  @Column({ name: 'address_key', type: 'varchar', length: KEY_LENGTH })
  addressKey: string;

  /** This recipient's own template variables. */
  @Column({ name: 'data', type: 'json', nullable: true })
  data: Record<string, unknown> | null;
}
