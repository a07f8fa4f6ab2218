import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The source of a template or a partial at the time when a mailing with it was sent. It is stored once, however many mailings use it. */
@Entity({ name: 'dps_mail_template' })
export class MailTemplate {
  /** SHA-256 of the source, in hex. */
  @PrimaryColumn({ name: 'hash', type: 'varchar', length: 64 })
  hash: string;

  /** JSON, because that is the one type that holds long texts on every database. */
  @Column({ name: 'content', type: 'json', nullable: true })
  content: { source: string } | null;
}
