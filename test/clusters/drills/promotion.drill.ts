import type { ClusterNode } from '../database-cluster.js';
import type { Drill } from '../drill.js';
import type { DrillWorld } from '../drill.world.js';

const MESSAGES_BETWEEN = 100;

/**
 * A planned switchover: if all nodes take writes, hosts are moved to the next one while the old one lives. Otherwise the writer
 * is shut down, another node is promoted, and the old one returns.
 */
export const promotion: Drill = {
  seconds: 70,
  act: async (world) => {
    for (let n = 0; n < 3; n++) {
      await (world.cluster.isMultiWriter ? moveOn(world, n) : promote(world));
      await world.progress(MESSAGES_BETWEEN);
    }
  },
};

function moveOn(world: DrillWorld, n: number): void {
  const { nodes } = world.cluster;
  const next = nodes[(n + 1) % nodes.length];
  world.leadAll(next);
  world.say(`${next.name} is written to`);
}

async function promote(world: DrillWorld): Promise<void> {
  const old: ClusterNode = await world.writer();
  await old.shutDown();
  world.say(`${old.name} was shut down`);
  await world.cluster.failOver();
  world.say(`${(await world.writer()).name} writes`);
  await world.progress(MESSAGES_BETWEEN);
  await old.rejoin();
  world.say(`${old.name} is back`);
}
