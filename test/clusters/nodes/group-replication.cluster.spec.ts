import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerSession } from '../../support/databases/server-session.js';
import { waitUntil } from '../../support/wait-until.js';
import type { ClusterNode } from '../database-cluster.js';
import { type GroupReplicationCluster, startGroupReplication } from './group-replication.cluster.js';
import { notesAt, SteadyWriter } from '../steady.writer.js';

const FAILOVER_DEADLINE_MS = 20_000;

describe.each([
  { isMultiPrimary: false, topology: 'group-replication', meanwhile: undefined },
  { isMultiPrimary: true, topology: 'group-replication-multi-primary', meanwhile: expect.any(String) },
])('group replication, multi-primary: $isMultiPrimary', ({ isMultiPrimary, topology, meanwhile }) => {
  let cluster: GroupReplicationCluster;

  beforeAll(async () => {
    cluster = await startGroupReplication({ isMultiPrimary });
  });

  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const otherWriter = (than: ClusterNode): Promise<ClusterNode> =>
    waitUntil(async () => [await cluster.writer()].find((node) => node !== null && node !== than), {
      what: 'another writer',
      deadlineMs: FAILOVER_DEADLINE_MS,
    });

  it('has the configured mode', () => {
    expect(cluster).toMatchObject({ topology, isMultiWriter: isMultiPrimary });
    expect(cluster.nodes.map(({ name }) => name)).toEqual(['node1', 'node2', 'node3']);
  });

  it('takes writes of the application only at its writable nodes', async () => {
    const accepts = async (node: ClusterNode): Promise<boolean> => {
      const session = new ServerSession(node.url);
      const answer = session.ask(`CREATE TABLE ${node.name} (id INT PRIMARY KEY)`);
      const isAccepted = await answer.then(
        () => true,
        (error: Error) => (expect(error.message).toContain('read-only'), false),
      );
      session.hangUp();
      return isAccepted;
    };

    const writer = await cluster.writer();
    const accepted: string[] = [];
    for (const node of cluster.nodes) if (await accepts(node)) accepted.push(node.name);

    expect(accepted).toEqual(isMultiPrimary ? ['node1', 'node2', 'node3'] : [writer?.name]);
  });

  it('loses no accepted commit when the writer is killed, and lets it rejoin', async () => {
    const application = await SteadyWriter.start(cluster);
    const first = (await cluster.writer())!;

    await application.during(async () => {
      await waitUntil(() => application.accepted.length > 20, { what: 'rows' });
      await first.kill();
      expect(first.isRunning).toBe(false);
      await otherWriter(first);
      const before = application.accepted.length;
      await waitUntil(() => application.accepted.length > before + 20, {
        what: 'rows of the next writer',
        deadlineMs: FAILOVER_DEADLINE_MS,
      });
      await first.rejoin();
    });

    for (const node of cluster.nodes) {
      await waitUntil(async () => (await notesAt(node)).includes(application.accepted.at(-1)!), {
        what: `the last row at ${node.name}`,
      });
      expect(await notesAt(node)).toEqual(expect.arrayContaining(application.accepted));
    }
  });

  it('replaces a frozen writer, also after that is thawed', async () => {
    const frozen = (await cluster.writer())!;
    await frozen.freeze();
    const asked = performance.now();
    // The signal takes a moment.
    const answer = await waitUntil(
      async () => {
        const writer = await cluster.writer();
        return writer?.name === frozen.name ? null : { name: writer?.name };
      },
      { what: 'the frozen one to be no writer' },
    );
    expect(performance.now() - asked).toBeLessThan(2_000);
    expect(answer.name).toEqual(meanwhile);
    const next = await otherWriter(frozen);

    frozen.thaw();

    // The former primary keeps its old view for seconds.
    const names = new Set<string | undefined>();
    await waitUntil(
      async () => {
        names.add((await cluster.writer())?.name);
        const [{ isReadOnly }] = await frozen.ask('SELECT @@super_read_only AS isReadOnly');
        return isMultiPrimary || Number(isReadOnly) === 1;
      },
      { what: 'the frozen one to be read-only', deadlineMs: FAILOVER_DEADLINE_MS },
    );
    expect([...names]).toEqual([next.name]);
    await frozen.rejoin();
  });

  it('goes on after a shutdown of the writer, and lets it rejoin', async () => {
    const writer = (await cluster.writer())!;

    await writer.shutDown();

    const next = await otherWriter(writer);
    await writer.rejoin();
    expect((await cluster.writer())?.name).toBe(next.name);
  });

  it('has no writer without a majority', async () => {
    await Promise.all(cluster.nodes.slice(0, 2).map((node) => node.kill()));

    await waitUntil(async () => (await cluster.writer()) === null, {
      what: 'no writer',
      deadlineMs: FAILOVER_DEADLINE_MS,
    });
    expect(cluster.nodes.map(({ isRunning }) => isRunning)).toEqual([false, false, true]);
  });
});
