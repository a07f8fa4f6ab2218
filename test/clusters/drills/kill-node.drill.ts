import type { Drill } from '../drill.js';
import type { DrillWorld } from '../drill.world.js';

/** Messages between a new node's first write and the return of the old one, and between that and the next kill. */
const MESSAGES_BETWEEN = 60;
const MAX_DELAY_MS = 300;

/** Kills the node in use; another one takes over, and the old one returns. */
export function killNode(times: number): Drill {
  return {
    seconds: 20 + 25 * times,
    act: async (world) => {
      for (let n = 0; n < times; n++) await killOnce(world);
    },
  };
}

async function killOnce(world: DrillWorld): Promise<void> {
  const node = await world.writer();
  await world.pause(world.random() * MAX_DELAY_MS);
  await node.kill();
  world.say(`${node.name} was killed`);
  await world.cluster.failOver();
  world.say(`${(await world.writer()).name} writes`);
  await world.progress(MESSAGES_BETWEEN);
  await node.rejoin();
  world.say(`${node.name} is back`);
  await world.progress(MESSAGES_BETWEEN);
}
