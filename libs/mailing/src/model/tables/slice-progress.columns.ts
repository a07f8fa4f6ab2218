import { Column } from 'typeorm';

/** Progress of a slice, kept in the row of a mailing or of a batch: its claim, its counters and its times. */
export abstract class SliceProgressColumns {
  /** Incarnation of the claiming process plus a counter; every commit of a run proves it. */
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

  /** Score of the error guard for failures that may be the sender's fault. That of a batch counts only while the batch is claimed. */
  @Column({ name: 'suspect_score', type: 'int', default: 0 })
  suspectScore: number;

  /** The same for all failures. */
  @Column({ name: 'failure_score', type: 'int', default: 0 })
  failureScore: number;

  /**
   * Number of the last commit. Each commit of a run names it in its `WHERE`, so a lost answer, a lost claim and a rewound database are
   * recognized by it.
   */
  @Column({ name: 'commit_seq', type: 'int', default: 0 })
  commitSeq: number;

  /** Time of the last commit of the claim holder; the claim itself counts as a commit. */
  @Column({ name: 'last_commit_at', type: Date, precision: 3, nullable: true })
  lastCommitAt: Date | null;

  @Column({ name: 'start_time', type: Date, precision: 3, nullable: true })
  startTime: Date | null;

  @Column({ name: 'end_time', type: Date, precision: 3, nullable: true })
  endTime: Date | null;
}
