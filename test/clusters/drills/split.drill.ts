import type { Drill } from '../drill.js';
import { type DrillWorld, HOST_OF } from '../drill.world.js';

/** Longer than a lease, so that other hosts take over the claims of this one. */
const HOST_SPLIT_MS = 30_000;
const NODE_SPLIT_MS = 20_000;

/**
 * Cuts the host of the unbatched mailing off from the database for longer than a lease, then one that has only batches, and then, on Galera, the node
 * in use from the other nodes. A host counts as dead meanwhile, and returns with its answers, so no recipient stays in doubt.
 */
export const split: Drill = {
  seconds: 150,
  act: async (world) => {
    for (const host of [HOST_OF.single, HOST_OF.batched]) {
      world.say(`host ${host} is cut off`);
      await world.split(host, HOST_SPLIT_MS);
      world.say(`host ${host} is connected again`);
      await world.progress(200);
    }
    if (world.cluster.topology === 'galera') await isolateNode(world);
  },
};

async function isolateNode(world: DrillWorld): Promise<void> {
  const node = await world.writer();
  // Galera's own option to isolate a node from the others; clients still reach it.
  await node.ask("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=1'");
  world.say(`${node.name} is cut off from the other nodes`);
  try {
    await world.pause(NODE_SPLIT_MS);
  } finally {
    await node.ask("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=0'");
  }
  world.say(`${node.name} is connected again`);
  await world.progress(200);
  await node.rejoin();
}
