import { availableParallelism, cpus, loadavg } from 'node:os';

/** The machine of the figures. */
export interface Machine {
  cores: number;
  model: string;
  node: string;
  database: string;
  /** Load average of the minute before the bench. */
  loadBefore: number;
  /** The mail server; absent if it is not measured. */
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
