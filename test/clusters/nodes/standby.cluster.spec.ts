import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerSession } from '../../support/databases/server-session.js';
import { waitUntil } from '../../support/wait-until.js';
import type { ClusterNode } from '../database-cluster.js';
import { startAsynchronousMariaDb } from './mariadb-asynchronous.cluster.js';
import type { PostgresNode } from './postgres.node.js';
import { startAsynchronousPostgres, startSynchronousPostgres } from './postgres.cluster.js';
import type { StandbyCluster, StandbyNode } from './standby.cluster.js';
import { notesAt, SteadyWriter } from '../steady.writer.js';

let cluster: StandbyCluster<StandbyNode>;
let application: SteadyWriter;

/** One cluster for all tests of a topology, so the primary depends on the tests before. */
function uses(start: () => Promise<StandbyCluster<StandbyNode>>): void {
  beforeAll(async () => {
    cluster = await start();
    application = await SteadyWriter.start(cluster);
  });

  afterAll(() => cluster?.[Symbol.asyncDispose]());
}

const writerName = async (): Promise<string | undefined> => (await cluster.writer())?.name;

/** The primary and its standby. */
async function roles(): Promise<[ClusterNode, ClusterNode]> {
  const writer = (await cluster.writer())!;
  return [writer, cluster.nodes.find((node) => node !== writer)!];
}

const write = (num: number): Promise<unknown> => {
  const before = application.accepted.length;
  return application.during(() =>
    waitUntil(() => application.accepted.length >= before + num, { what: `${num} rows` }),
  );
};

const nodesHave = async (rows: readonly number[]): Promise<void> => {
  for (const node of cluster.nodes) {
    await waitUntil(async () => (await notesAt(node)).includes(rows.at(-1)!), {
      what: `the last row at ${node.name}`,
    });
    expect(await notesAt(node)).toEqual(expect.arrayContaining([...rows]));
  }
};

function behavesAsCluster(): void {
  it('has one node that takes writes of the application', async () => {
    const [, standby] = await roles();
    const session = new ServerSession(standby.url);
    await expect(session.ask('CREATE TABLE other (id INT PRIMARY KEY)')).rejects.toThrow('read-only');
    session.hangUp();
  });

  it('fails over to the other node and back', async () => {
    for (let n = 0; n < 2; n++) {
      const [former, next] = await roles();
      await write(20);
      await nodesHave(application.accepted);
      await former.kill();
      expect(former.isRunning).toBe(false);
      expect(await writerName()).toBeUndefined();

      await cluster.failOver();

      expect(await writerName()).toBe(next.name);
      await write(20);
      await former.rejoin();
      expect(await writerName()).toBe(next.name);
    }
    await write(5);
    await nodesHave(application.accepted);
  });

  it('fences a frozen primary, and lets it rejoin', async () => {
    const [frozen, next] = await roles();
    const session = new ServerSession(frozen.url);
    await session.ask('SELECT 1');

    await frozen.freeze();

    const asked = performance.now();
    expect(await session.askWithin(300, 'INSERT INTO note (id) VALUES (-1)')).toBeNull();
    expect(await writerName()).toBeUndefined();
    expect(performance.now() - asked).toBeLessThan(2_000);
    await cluster.failOver();
    frozen.thaw();
    expect(frozen.isRunning).toBe(false);
    await write(5);
    await frozen.rejoin();
    expect(await writerName()).toBe(next.name);
    await nodesHave(application.accepted.slice(-5));
    expect(await notesAt(next)).not.toContain(-1);
  });

  it('goes on with the same primary when it is thawed', async () => {
    const [frozen] = await roles();
    await frozen.freeze();
    expect(await writerName()).toBeUndefined();
    frozen.thaw();

    await write(5);

    expect(await writerName()).toBe(frozen.name);
    await nodesHave(application.accepted.slice(-5));
  });

  it('restarts a killed primary that was not replaced', async () => {
    const [primary] = await roles();
    await write(20);
    await primary.kill();

    await primary.rejoin();

    await write(5);
    expect(await writerName()).toBe(primary.name);
    await nodesHave(application.accepted.slice(-25));
  });

  it('takes writes while the standby is shut down, and lets it rejoin', async () => {
    const [, standby] = await roles();
    await standby.shutDown();
    await write(20);

    await standby.rejoin();

    expect(await notesAt(standby)).toEqual(expect.arrayContaining(application.accepted.slice(-20)));
  });

  it('loses nothing when the primary is shut down', async () => {
    const [former] = await roles();
    await write(20);
    await former.shutDown();

    await cluster.failOver();

    await write(5);
    await former.rejoin();
    expect(await notesAt(former)).toEqual(expect.arrayContaining(application.accepted.slice(-25)));
  });
}

describe('postgres-synchronous', () => {
  uses(startSynchronousPostgres);

  it('has the configured replication', () => {
    expect(cluster).toMatchObject({ topology: 'postgres-synchronous', isMultiWriter: false });
  });

  behavesAsCluster();

  const awaited = async (node: ClusterNode): Promise<unknown[]> =>
    (
      await node.ask("SELECT application_name AS name FROM pg_stat_replication WHERE sync_state = 'sync'")
    ).map(({ name }) => name);

  it('loses no accepted commit when the primary is killed during a write', async () => {
    const [former, next] = await roles();
    await application.during(async () => {
      const before = application.accepted.length;
      await waitUntil(() => application.accepted.length > before + 20, { what: 'rows' });
      await former.kill();
      await cluster.failOver();
      const between = application.accepted.length;
      await waitUntil(() => application.accepted.length > between + 20, { what: 'rows of the next writer' });
      await former.rejoin();
    });

    await nodesHave(application.accepted);
    expect(await awaited(next)).toEqual([former.name]);
  });

  it('waits for a running standby, and for a killed one', async () => {
    const [primary, standby] = await roles();
    expect(await awaited(primary)).toEqual([standby.name]);
    await standby.kill();
    const session = new ServerSession(primary.url);

    const answer = await session.askWithin(500, 'INSERT INTO note (id) VALUES (-2)');

    expect(answer).toBeNull();
    await standby.rejoin();
    expect(await awaited(primary)).toEqual([standby.name]);
    await write(5);
  });

  it('refuses to promote a standby that the primary did not wait for', async () => {
    const [primary, standby] = await roles();
    await standby.shutDown();
    await write(5);
    await primary.kill();
    // Without the cluster class, as its service would start it.
    await (standby as PostgresNode).server.start();

    await expect(cluster.failOver()).rejects.toThrow(
      `no standby of ${primary.name} that runs and lacks nothing`,
    );

    await primary.rejoin();
    await standby.rejoin();
    await cluster.failOver();
    expect(await notesAt(standby)).toEqual(expect.arrayContaining(application.accepted));
    await primary.rejoin();
  });

  it('refuses to hold replication, which would block commits', () => {
    expect(() => cluster.holdReplication()).toThrow('asynchronous');
  });
});

describe.each([
  { topology: 'postgres-asynchronous', start: startAsynchronousPostgres },
  { topology: 'mariadb-asynchronous', start: startAsynchronousMariaDb },
])('$topology', ({ topology, start }) => {
  uses(start);

  it('has the configured replication', () => {
    expect(cluster).toMatchObject({ topology, isMultiWriter: false });
  });

  behavesAsCluster();

  it('holds replication until it is released', async () => {
    const [, standby] = await roles();
    await write(5);
    await nodesHave(application.accepted.slice(-5));
    const before = await notesAt(standby);
    cluster.holdReplication();
    await write(20);
    expect(await notesAt(standby)).toEqual(before);

    cluster.releaseReplication();

    await nodesHave(application.accepted.slice(-20));
  });

  it('loses commits of held replication when the standby is promoted', async () => {
    const [former, next] = await roles();
    await write(5);
    await nodesHave(application.accepted.slice(-5));
    const shipped = await notesAt(next);
    cluster.holdReplication();
    await write(20);

    await former.kill();
    await cluster.failOver();

    expect(await notesAt(next)).toEqual(shipped);
    await former.rejoin();
    expect(await notesAt(former)).toEqual(shipped);
    await write(5);
    await nodesHave([...shipped, ...application.accepted.slice(-5)]);
  });
});
