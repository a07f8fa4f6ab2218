import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One name/value pair that the host keeps with a mailing. */
@Entity({ name: 'dps_mail_trackdata' })
export class MailTrackdata {
  @PrimaryColumn({ name: 'mailing_id', type: 'varchar', length: 36 })
  mailingId: string;

  @PrimaryColumn({ name: 'map_key', type: 'varchar', length: 254 })
  mapKey: string;

  @Column({ name: 'map_value', type: 'varchar', length: 254, nullable: true })
  mapValue: string | null;

  /** Position among the pairs of its mailing; the first one is 0. */
  @Column({ name: 'idx', type: 'int', default: 0 })
  idx: number;
}
