import type { Drill } from '../drill.js';
import type { DrillWorld } from '../drill.world.js';

/** Longer than a lease, so that others take over what the host had. */
const HOST_SPLIT_MS = 30_000;
const NODE_SPLIT_MS = 20_000;

/**
 * The network between one host and the database is split for longer than a lease, then, on Galera, that between the node in use
 * and the other nodes. The host counts as dead meanwhile, and comes back with its answers: no doubt is left.
 */
export const split: Drill = {
  seconds: 110,
  act: async (world) => {
    const host = world.anyHost();
    world.say(`host ${host} is cut off`);
    await world.split(host, HOST_SPLIT_MS);
    world.say(`host ${host} is connected again`);
    await world.progress(200);
    if (world.cluster.topology === 'galera') await isolateNode(world);
  },
};

async function isolateNode(world: DrillWorld): Promise<void> {
  const node = await world.writer();
  // Its own word for a network that leads to no other node; clients still reach it.
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
