import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** Profiles as a host may have them: with columns of its own, and none made for mailings. */
@Entity('shop_customer')
export class Customer {
  @PrimaryGeneratedColumn({ name: 'customer_no' })
  number: number;

  @Column({ name: 'e_mail', type: 'varchar', length: 255, nullable: true })
  mail: string | null;

  @Column({ name: 'first_name', type: 'varchar', length: 100, nullable: true })
  firstName: string | null;

  @Column({ name: 'family_name', type: 'varchar', length: 100, nullable: true })
  familyName: string | null;

  @Column({ name: 'mail_state', type: 'varchar', length: 20, default: 'ok' })
  mailState: string;

  /** 0 no, 1 yes, 2 not asked yet. */
  @Column({ name: 'wants_mail', type: 'int', default: 2 })
  wantsMail: number;

  @Column({ name: 'last_mail', type: Date, precision: 3, nullable: true })
  lastMail: Date | null;

  @Column({ type: 'varchar', length: 10, nullable: true })
  language: string | null;

  @Column({ type: 'int', default: 0 })
  points: number;
}
