import type { Drill } from '../drill.js';

const FROZEN_MS = 20_000;

/** Freezes the node in use with all its connections open, and thaws it later. No node is promoted by hand. */
export const frozenNode: Drill = {
  seconds: 60,
  act: async (world) => {
    const node = await world.writer();
    await node.freeze();
    world.say(`${node.name} is frozen`);
    try {
      await world.pause(FROZEN_MS);
    } finally {
      node.thaw();
    }
    world.say(`${node.name} is thawed`);
    world.say(`${(await world.writer()).name} writes`);
    await node.rejoin();
    await world.progress(200);
  },
};
