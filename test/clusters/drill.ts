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

/** What is done to a cluster and its hosts while mailings are under way. */
export interface Drill {
  /** About how long it takes, so that the lists last. */
  seconds: number;
  /** Whether it makes sense there. Default: everywhere. */
  fits?: (cluster: Pick<DatabaseCluster, 'topology' | 'isMultiWriter'>) => boolean;
  /** Ends with a cluster whose nodes all take part. */
  act(world: DrillWorld): Promise<void>;
}
