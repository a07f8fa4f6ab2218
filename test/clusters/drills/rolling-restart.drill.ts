import type { Drill } from '../drill.js';

const AWAY_MS = 3_000;

/** Restarts one node after another, the node in use last, as in an update of the database. */
export const rollingRestart: Drill = {
  seconds: 110,
  act: async (world) => {
    const first = await world.writer();
    const others = world.cluster.nodes.filter((node) => node !== first);
    for (const node of [...others, first]) {
      const isWriter = (await world.writer()) === node;
      await node.shutDown();
      world.say(`${node.name} was shut down`);
      if (isWriter) await world.cluster.failOver();
      // Does not wait for messages, because a primary without its only synchronous standby commits nothing.
      await world.pause(AWAY_MS);
      await node.rejoin();
      world.say(`${node.name} is back`);
      await world.progress(30);
    }
  },
};
