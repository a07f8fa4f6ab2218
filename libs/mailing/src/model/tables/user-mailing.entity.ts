import { Column, Entity, PrimaryColumn } from 'typeorm';
import { RecipientOutcomeColumns } from './recipient-outcome.columns.js';
import { PrefixedIndex } from './prefixed-index.js';

/**
 * A recipient that is a profile of the host.
 *
 * The key `(mailing_id, idx)` serves the run, which reads in order of sending. `(mailing_id, user_id)` makes a
 * second row for the same profile impossible. There is no foreign key to the host's users: they may live elsewhere.
 */
@Entity({ name: 'dps_user_mailing' })
@PrefixedIndex('uq_dps_user_mailing_user', ['mailingId', 'userId'], { unique: true })
export class UserMailing extends RecipientOutcomeColumns {
  @PrimaryColumn({ name: 'mailing_id', type: 'varchar', length: 36 })
  mailingId: string;

  /** Position in the mailing; one numbering over both recipient tables. */
  @PrimaryColumn({ name: 'idx', type: 'int' })
  idx: number;

  /** The host's id of the profile; up to 255 characters, because an LDAP name is an id. */
  @Column({ name: 'user_id', type: 'varchar', length: 255 })
  userId: string;
}
