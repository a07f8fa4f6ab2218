import { HOSTS } from '../drill.hosts.js';
import type { Drill } from '../drill.js';
import type { DrillWorld } from '../drill.world.js';

const ROWS = 150_000;
const UPDATES = 5;
const PAUSE_MS = 1_000;
/** Hosts move on so often: each meets nodes that have not got yet what it wrote at the one before. */
const MOVE_EVERY_MS = 500;

/**
 * Another client changes 150,000 rows in one transaction, which the other nodes need seconds to apply. Meanwhile hosts move from
 * node to node, and causal reads are off.
 */
export const laggingNode: Drill = {
  seconds: 90,
  fits: ({ isMultiWriter }) => isMultiWriter,
  act: async (world) => {
    await makeRows(world);
    const { nodes } = world.cluster;
    let isChanging = true;
    const changes = change(world).finally(() => (isChanging = false));
    changes.catch(() => undefined);
    for (let step = 0; isChanging; step++) {
      for (let host = 0; host < HOSTS; host++) world.lead(host, nodes[(step + host) % nodes.length]);
      await world.pause(MOVE_EVERY_MS);
    }
    await changes;
    world.leadAll(null);
    await world.progress(200);
  },
};

async function makeRows(world: DrillWorld): Promise<void> {
  const [node] = world.cluster.nodes;
  await node.ask(
    'CREATE TABLE drill_ballast (id INT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(200), n INT NOT NULL, INDEX (note), INDEX (n))',
  );
  await node.ask(`INSERT INTO drill_ballast (note, n) VALUES (REPEAT('x', 100), 0)`);
  let rows = 1;
  for (; rows < ROWS; rows *= 2) {
    const limit = Math.min(rows, ROWS - rows);
    await node.ask(`INSERT INTO drill_ballast (note, n) SELECT note, n FROM drill_ballast LIMIT ${limit}`);
  }
  world.say(`${node.name} has a table of ${ROWS} rows`);
}

async function change(world: DrillWorld): Promise<void> {
  const [node] = world.cluster.nodes;
  for (let n = 0; n < UPDATES; n++) {
    await node.ask(`UPDATE drill_ballast SET n = n + 1, note = REPEAT('${n}', 100)`);
    world.say(`${ROWS} rows were changed at ${node.name}`);
    await world.pause(PAUSE_MS);
  }
}
