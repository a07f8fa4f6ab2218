import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One running process of the host application, and its lease. */
@Entity({ name: 'dps_mail_server' })
export class MailServer {
  @PrimaryColumn({ name: 'uniq_server_id', type: 'varchar', length: 255 })
  uniqServerId: string;

  /** A new UUID for each start. A process whose incarnation is no longer in this table has lost its work. */
  @Column({ name: 'incarnation', type: 'varchar', length: 36 })
  incarnation: string;

  @Column({ name: 'hostname', type: 'varchar', length: 255 })
  hostname: string;

  @Column({ name: 'pid', type: 'int' })
  pid: number;

  /**
   * Processes with the same text can be compared by their pids: on Linux it is the boot of the kernel and the pid namespace, elsewhere the
   * system and its networks. Null: unknown, only the lease tells whether the process lives.
   */
  @Column({ name: 'pid_namespace', type: 'varchar', length: 100, nullable: true })
  pidNamespace: string | null;

  /** Whether the process claims batches. */
  @Column({ name: 'takes_batches', type: 'boolean', default: false })
  takesBatches: boolean;

  @Column({ name: 'started_at', type: Date, precision: 3 })
  startedAt: Date;

  /** Last heartbeat, by the database's clock. */
  @Column({ name: 'last_updated', type: Date, precision: 3 })
  lastUpdated: Date;
}
