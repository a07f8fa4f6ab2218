import type { DatabaseCluster } from './database-cluster.js';
import type { DrillWorld } from './drill.world.js';

export const DRILL_NAMES = [
  'kill-node',
  'frozen-node',
  'promotion',
  'multi-writer',
  'node-and-host',
  'split',
  'lagging-node',
  'rolling-restart',
  'lost-commits',
] as const;

export type DrillName = (typeof DRILL_NAMES)[number];

/** Faults of a cluster and its hosts while mailings are in progress. */
export interface Drill {
  /** Approximate duration, which decides the length of the lists. */
  seconds: number;
  /** Whether it applies to a cluster. Default: always. */
  fits?: (cluster: Pick<DatabaseCluster, 'topology' | 'isMultiWriter'>) => boolean;
  /** Ends with all nodes as members of the cluster. */
  act(world: DrillWorld): Promise<void>;
}
