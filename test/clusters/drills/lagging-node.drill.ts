import type { Drill } from '../drill.js';
import type { DrillWorld } from '../drill.world.js';

const ROWS = 150_000;
/** How long changes are repeated; a change that takes longer is the only one. */
const CHANGES_MS = 30_000;
const PAUSE_MS = 1_000;

/**
 * Another client changes 150,000 rows in one transaction, which other nodes need seconds to apply. Meanwhile each host connects
 * to all nodes without causal reads, so a commit may be made at a node that lacks the one before it.
 */
export const laggingNode: Drill = {
  seconds: 90,
  fits: ({ isMultiWriter }) => isMultiWriter,
  act: async (world) => {
    await makeRows(world);
    world.spread();
    await change(world);
    world.leadAll(null);
    await world.progress(200);
  },
};

async function makeRows(world: DrillWorld): Promise<void> {
  const [node] = world.cluster.nodes;
  await node.ask(
    'CREATE TABLE drill_ballast (id INT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(200), n INT NOT NULL, INDEX (n))',
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
  const until = performance.now() + CHANGES_MS;
  for (let n = 0; performance.now() < until; n++) {
    await node.ask(`UPDATE drill_ballast SET n = n + 1, note = REPEAT('${n}', 100)`);
    world.say(`${ROWS} rows were changed at ${node.name}`);
    await world.pause(PAUSE_MS);
  }
}
