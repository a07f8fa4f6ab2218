import type { Drill } from '../drill.js';
import type { DrillWorld } from '../drill.world.js';

const TIMES = 2;

/** Kills the node in use and a host together, as if both were in one rack. The host is restarted at once. */
export const nodeAndHost: Drill = {
  seconds: 80,
  act: async (world) => {
    for (let n = 0; n < TIMES; n++) await killBoth(world);
  },
};

async function killBoth(world: DrillWorld): Promise<void> {
  const node = await world.writer();
  const host = world.anyHost();
  await Promise.all([node.kill(), world.hosts.kill(host)]);
  world.say(`${node.name} and host ${host} were killed`);
  world.hosts.launch(host);
  await world.cluster.failOver();
  world.say(`${(await world.writer()).name} writes`);
  await world.progress(60);
  await node.rejoin();
  world.say(`${node.name} is back`);
  await world.progress(60);
}
