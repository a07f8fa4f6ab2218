import { HOSTS } from '../drill.hosts.js';
import type { Drill } from '../drill.js';

/** Each host writes to a node of its own; then one of these nodes is killed, and returns. */
export const multiWriter: Drill = {
  seconds: 70,
  fits: ({ isMultiWriter }) => isMultiWriter,
  act: async (world) => {
    const { nodes } = world.cluster;
    for (let host = 0; host < HOSTS; host++) world.lead(host, nodes[host % nodes.length]);
    world.say('each host writes to a node of its own');
    await world.progress(600);
    const node = nodes[Math.floor(world.random() * nodes.length)];
    await node.kill();
    world.say(`${node.name} was killed`);
    await world.progress(300);
    await node.rejoin();
    world.say(`${node.name} is back`);
    await world.progress(300);
  },
};
