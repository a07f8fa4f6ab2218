import type { ClusterNode } from '../database-cluster.js';
import { HOSTS } from '../drill.hosts.js';
import type { Drill } from '../drill.js';
import type { DrillWorld } from '../drill.world.js';

const ROWS = 150_000;
const UPDATES = 3;
/** Hosts move on so often: each meets nodes that have not got yet what it wrote at the one before. */
const MOVE_EVERY_MS = 1_500;

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
  const { table, node } = ballast(world);
  await node.ask(
    `CREATE TABLE ${table} (id INT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(200), n INT NOT NULL)`,
  );
  await node.ask(`INSERT INTO ${table} (note, n) VALUES (REPEAT('x', 100), 0)`);
  let rows = 1;
  for (; rows < ROWS; rows *= 2) {
    const limit = Math.min(rows, ROWS - rows);
    await node.ask(`INSERT INTO ${table} (note, n) SELECT note, n FROM ${table} LIMIT ${limit}`);
  }
  world.say(`${node.name} has a table of ${ROWS} rows`);
}

async function change(world: DrillWorld): Promise<void> {
  const { table, node } = ballast(world);
  for (let n = 0; n < UPDATES; n++) {
    await node.ask(`UPDATE ${table} SET n = n + 1, note = REPEAT('${n}', 100)`);
    world.say(`${ROWS} rows were changed at ${node.name}`);
    await world.pause(MOVE_EVERY_MS);
  }
}

function ballast({ cluster }: DrillWorld): { node: ClusterNode; table: string } {
  const [node] = cluster.nodes;
  return { node, table: `${new URL(node.url).pathname.slice(1)}.drill_ballast` };
}
