import type { DatabaseCluster } from '../database-cluster.js';
import type { Drill } from '../drill.js';

const HELD_MS = 2_000;

/** A cluster whose replication can be held. */
interface Held extends DatabaseCluster {
  holdReplication(): void;
}

/**
 * The writer dies with 2 s of commits that no other node has, so the database is rewound while the hosts live on. Only with
 * asynchronous replication.
 */
export const lostCommits: Drill = {
  seconds: 60,
  fits: ({ topology }) => topology.endsWith('-asynchronous'),
  act: async (world) => {
    const node = await world.writer();
    (world.cluster as Held).holdReplication();
    world.say(`what ${node.name} commits reaches no other node`);
    await world.pause(HELD_MS);
    await node.kill();
    world.say(`${node.name} was killed`);
    await world.cluster.failOver();
    world.say(`${(await world.writer()).name} writes, and knows nothing of the last ${HELD_MS / 1_000} s`);
    await node.rejoin();
    await world.progress(200);
  },
};
