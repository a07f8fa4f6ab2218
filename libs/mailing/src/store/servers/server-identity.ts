/** A process that registers as the server of this id. */
export interface ServerIdentity {
  uniqServerId: string;
  incarnation: string;
  hostname: string;
  pid: number;
  /** Pids can be compared only within it; null: unknown. */
  pidNamespace: string | null;
  takesBatches: boolean;
}

/** Columns that tell which process a server is. */
export const PROCESS_COLUMNS = ['incarnation', 'hostname', 'pid', 'pid_namespace'] as const;

/** All columns in which a process describes itself, in the order of `ownValues`. */
export const OWN_COLUMNS = [...PROCESS_COLUMNS, 'takes_batches'] as const;

/** Flags are passed as numbers: not every driver takes a boolean, and every database accepts 0 and 1 as one. */
export function ownValues(me: ServerIdentity): unknown[] {
  return [me.incarnation, me.hostname, me.pid, me.pidNamespace, me.takesBatches ? 1 : 0];
}
