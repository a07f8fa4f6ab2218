import type { DatabaseCluster } from './database-cluster.js';
import type { Drill, DrillName } from './drill.js';
import { frozenNode } from './drills/frozen-node.drill.js';
import { killNode } from './drills/kill-node.drill.js';
import { laggingNode } from './drills/lagging-node.drill.js';
import { lostCommits } from './drills/lost-commits.drill.js';
import { multiWriter } from './drills/multi-writer.drill.js';
import { nodeAndHost } from './drills/node-and-host.drill.js';
import { promotion } from './drills/promotion.drill.js';
import { rollingRestart } from './drills/rolling-restart.drill.js';
import { split } from './drills/split.drill.js';

const KILLS = 5;

export const DRILLS: Record<DrillName, Drill> = {
  'kill-node': killNode(KILLS),
  'frozen-node': frozenNode,
  promotion,
  'multi-writer': multiWriter,
  'node-and-host': nodeAndHost,
  split,
  'lagging-node': laggingNode,
  'rolling-restart': rollingRestart,
  'lost-commits': lostCommits,
};

/** The short session: one loss of the node in use. */
export const SHORT: Partial<Record<DrillName, Drill>> = { 'kill-node': killNode(1) };

/** The drills of these that apply to that cluster. */
export function fittingDrills(
  names: readonly DrillName[],
  cluster: Pick<DatabaseCluster, 'topology' | 'isMultiWriter'>,
): DrillName[] {
  return names.filter((name) => DRILLS[name].fits?.(cluster) ?? true);
}
