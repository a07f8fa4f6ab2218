import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * One part of a file that mailings attach, under the SHA-256 of the whole file: a file that a hundred mailings attach is stored once. It is
 * stored in parts, so that no database has to accept a large statement, and because MySQL's `text` ends at 64 kB.
 */
@Entity({ name: 'dps_mail_attachment' })
export class MailAttachment {
  /** SHA-256 of the file, hexadecimal. */
  @PrimaryColumn({ name: 'hash', type: 'varchar', length: 64 })
  hash: string;

  @PrimaryColumn({ name: 'part', type: 'int' })
  part: number;

  /** Base64, because a text column is spelled alike on all databases; the message is base64 anyway. */
  @Column({ name: 'content', type: 'text' })
  content: string;
}
