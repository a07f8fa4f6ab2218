import { Column } from 'typeorm';

/** The books of a slice, kept in the row of a mailing or of a batch: who works on it, and what it has come to. */
export abstract class SliceProgressColumns {
  /** Incarnation of the claiming process plus a counter; every write of a run proves it. */
  @Column({ name: 'claim_token', type: 'varchar', length: 64, nullable: true })
  claimToken: string | null;

  @Column({ name: 'num_sent', type: 'int', default: 0 })
  numSent: number;

  @Column({ name: 'num_errors', type: 'int', default: 0 })
  numErrors: number;

  @Column({ name: 'num_skipped', type: 'int', default: 0 })
  numSkipped: number;

  @Column({ name: 'num_bounces', type: 'int', default: 0 })
  numBounces: number;

  /** Score of the error guard, of failures that may be the sender's fault. Of a batch it counts while it is claimed. */
  @Column({ name: 'suspect_score', type: 'int', default: 0 })
  suspectScore: number;

  /** The same of all failures. */
  @Column({ name: 'failure_score', type: 'int', default: 0 })
  failureScore: number;

  /** Grows with every transaction of the claim holder, so that an update always changes its row. */
  @Column({ name: 'commit_seq', type: 'int', default: 0 })
  commitSeq: number;

  /** When its claim holder has committed last, the claim included. */
  @Column({ name: 'last_commit_at', type: Date, precision: 3, nullable: true })
  lastCommitAt: Date | null;

  @Column({ name: 'start_time', type: Date, precision: 3, nullable: true })
  startTime: Date | null;

  @Column({ name: 'end_time', type: Date, precision: 3, nullable: true })
  endTime: Date | null;
}
