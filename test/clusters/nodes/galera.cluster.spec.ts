import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '../../support/wait-until.js';
import type { ClusterNode } from '../database-cluster.js';
import { type GaleraCluster, startGalera } from './galera.cluster.js';
import { notesAt, SteadyWriter } from '../steady.writer.js';

const FAILOVER_DEADLINE_MS = 20_000;

describe('Galera', () => {
  let cluster: GaleraCluster;
  let application: SteadyWriter;

  beforeAll(async () => {
    cluster = await startGalera({ syncWait: 7 });
    application = await SteadyWriter.start(cluster);
  });

  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const otherWriter = (than: ClusterNode): Promise<ClusterNode> =>
    waitUntil(async () => [await cluster.writer()].find((node) => node !== null && node !== than), {
      what: 'another writer',
      deadlineMs: FAILOVER_DEADLINE_MS,
    });

  const moreRows = async (): Promise<void> => {
    const before = application.accepted.length;
    await waitUntil(() => application.accepted.length > before + 20, {
      what: 'rows that were accepted',
      deadlineMs: FAILOVER_DEADLINE_MS,
    });
  };

  const expectAllRows = async (): Promise<void> => {
    for (const node of cluster.nodes) {
      expect(await notesAt(node)).toEqual(expect.arrayContaining(application.accepted));
    }
  };

  it('has three writable nodes, with causal reads as configured', async () => {
    expect(cluster).toMatchObject({ topology: 'galera', isMultiWriter: true });
    for (const node of cluster.nodes) {
      const [row] = await node.ask('SELECT @@wsrep_sync_wait AS causal');
      expect(row).toEqual({ causal: 7 });
    }
  });

  it('loses no accepted commit when the writer is killed, and lets it rejoin', async () => {
    const first = (await cluster.writer())!;
    await application.during(async () => {
      await moreRows();
      await first.kill();
      expect(first.isRunning).toBe(false);
      await otherWriter(first);
      await moreRows();
      await first.rejoin();
    });
    await expectAllRows();
  });

  it('lets a killed node catch up without a copy of all data', async () => {
    const [node, next] = cluster.nodes;
    await node.kill();
    await otherWriter(node);
    await next.ask('CREATE TABLE meanwhile (id INT PRIMARY KEY)');
    await node.rejoin();
    expect(await node.ask('SELECT COUNT(*) AS n FROM meanwhile')).toEqual([{ n: 0 }]);
    const log = await readFile(join(node.server.dataDirectory, '..', 'server.log'), 'utf8');
    expect(log).toContain('rsync IST completed');
    expect(log).not.toContain('rsync SST completed');
  });

  it('replaces a frozen writer in about a second', async () => {
    const frozen = (await cluster.writer())!;
    await frozen.freeze();
    try {
      await otherWriter(frozen);
      const asked = performance.now();
      await cluster.writer();
      expect(performance.now() - asked).toBeLessThan(2_000);
    } finally {
      frozen.thaw();
    }
    await frozen.rejoin();
  });

  it('has no writer without a majority', async () => {
    await Promise.all(cluster.nodes.slice(0, 2).map((node) => node.kill()));
    const isGone = await waitUntil(async () => (await cluster.writer()) === null, {
      what: 'no writer',
      deadlineMs: FAILOVER_DEADLINE_MS,
    });
    expect(isGone).toBe(true);
  });
});
