import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * A piece of a file that mailings attach, under the SHA-256 of the whole file: a file that a hundred mailings attach is here once. In
 * pieces, so that no database has to take a large statement for it, and because MySQL's `text` ends at 64 kB.
 */
@Entity({ name: 'dps_mail_attachment' })
export class MailAttachment {
  /** SHA-256 of the file, hexadecimal. */
  @PrimaryColumn({ name: 'hash', type: 'varchar', length: 64 })
  hash: string;

  @PrimaryColumn({ name: 'part', type: 'int' })
  part: number;

  /** Base64, because that type of column is spelled alike everywhere; the message is base64 anyway. */
  @Column({ name: 'content', type: 'text' })
  content: string;
}
