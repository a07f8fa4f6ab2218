import { availableParallelism, cpus, loadavg } from 'node:os';

/** What the figures were taken on. */
export interface Machine {
  cores: number;
  model: string;
  node: string;
  database: string;
  /** Of the minute before the bench began. */
  loadBefore: number;
  /** What took the messages; none where that is not what is measured. */
  mailSink?: 'smtp-sink' | 'node';
}

export function describeMachine(database: string): Machine {
  return {
    cores: availableParallelism(),
    model: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    database,
    loadBefore: loadavg()[0],
  };
}
