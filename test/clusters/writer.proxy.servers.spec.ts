import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MariaDbServer, startMariaDb } from '../support/servers/maria-db.server.js';
import { connectToServer } from '../support/databases/server-connection.js';
import { waitUntil } from '../support/wait-until.js';
import type { ClusterNode, DatabaseCluster } from './database-cluster.js';
import { WriteProbe } from './write.probe.js';
import { WriterProxy } from './writer.proxy.js';
import { WriterWatch } from './writer.watch.js';

const DATABASE = 'proxied';

/** A real server instead of a node. */
class PlainNode implements ClusterNode {
  constructor(
    readonly name: string,
    readonly server: MariaDbServer,
  ) {}

  get url(): string {
    return `${this.server.url}/${DATABASE}`;
  }

  get isRunning(): boolean {
    return this.server.pid !== undefined;
  }

  kill = (): Promise<void> => this.server.kill();
  shutDown = (): Promise<void> => this.server.kill('SIGTERM');
  rejoin = (): Promise<void> => this.server.start();
  freeze = (): Promise<void> => this.server.freeze();
  thaw = (): void => this.server.thaw();

  async ask(sql: string): Promise<Record<string, unknown>[]> {
    const connection = await connectToServer(this.server.url);
    const [rows] = await connection.query(sql);
    await connection.end();
    return rows as Record<string, unknown>[];
  }
}

/** Two servers; the test decides which of them takes writes. */
class ToldCluster implements DatabaseCluster {
  readonly topology = 'galera';
  readonly isMultiWriter = true;
  told: ClusterNode | null;

  constructor(readonly nodes: readonly PlainNode[]) {
    this.told = nodes[0];
  }

  writer = (): Promise<ClusterNode | null> => Promise.resolve(this.told);
  failOver = (): Promise<void> => Promise.resolve();
  [Symbol.asyncDispose] = (): Promise<void> => Promise.resolve();
}

describe('the proxy that follows the writer', () => {
  let nodes: PlainNode[];
  let cluster: ToldCluster;
  let watch: WriterWatch;
  let proxy: WriterProxy;

  beforeAll(async () => {
    nodes = [];
    for (const name of ['node1', 'node2']) {
      const node = new PlainNode(name, await startMariaDb());
      nodes.push(node);
      await node.ask(`CREATE DATABASE ${DATABASE}`);
      await WriteProbe.createTable(node, 2);
    }
    cluster = new ToldCluster(nodes);
    watch = WriterWatch.start(cluster);
    proxy = await WriterProxy.start(watch, nodes[0]);
  });

  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await watch?.[Symbol.asyncDispose]();
    await Promise.all(nodes.map(({ server }) => server.stop()));
  });

  /** The port of the server that a new connection reaches; null if it is refused, or cut before its first statement. */
  async function portBehind(): Promise<number | null> {
    const connection = await connectToServer(proxy.urlLike(nodes[0])).catch(() => null);
    try {
      const [rows] = (await connection?.query('SELECT @@port AS port')) ?? [[]];
      return (rows as { port: number }[])[0]?.port ?? null;
    } catch {
      return null;
    } finally {
      connection?.destroy();
    }
  }

  const portOf = (node: PlainNode): number => Number(new URL(node.url).port);
  const leadsTo = (node: PlainNode | null): Promise<boolean> =>
    waitUntil(async () => (await portBehind()) === (node && portOf(node)), {
      what: 'the proxy to lead there',
    });

  it('connects to the writer, and cuts connections to the former one', async () => {
    await leadsTo(nodes[0]);
    const old = await connectToServer(proxy.urlLike(nodes[0]));
    const lost = new Promise((resolve) => old.on('error', resolve));
    cluster.told = nodes[1];
    await leadsTo(nodes[1]);
    await lost;
    cluster.told = nodes[0];
    expect(await leadsTo(nodes[0])).toBe(true);
  });

  it('refuses connections while there is no writer', async () => {
    cluster.told = null;
    await leadsTo(null);
    cluster.told = nodes[0];
    expect(await leadsTo(nodes[0])).toBe(true);
  });

  it('connects to a node of its own only while that takes writes', async () => {
    proxy.prefer(nodes[1]);
    await leadsTo(nodes[1]);
    await nodes[1].freeze();
    await leadsTo(nodes[0]);
    nodes[1].thaw();
    await leadsTo(nodes[1]);
    await nodes[1].ask(`RENAME TABLE ${DATABASE}.drill_write TO ${DATABASE}.away`);
    await leadsTo(nodes[0]);
    await nodes[1].ask(`RENAME TABLE ${DATABASE}.away TO ${DATABASE}.drill_write`);
    proxy.prefer(null);
    expect(await leadsTo(nodes[0])).toBe(true);
  });

  it('connects to all nodes in turn', async () => {
    proxy.spread(nodes);
    const ports = [await portBehind(), await portBehind(), await portBehind()];
    expect(new Set(ports)).toEqual(new Set(nodes.map(portOf)));
    proxy.prefer(null);
    expect(await leadsTo(nodes[0])).toBe(true);
  });

  it('measures how long no write succeeded', async () => {
    const before = watch.longestOutageMs;
    await nodes[0].freeze();
    const begunAt = performance.now();
    await waitUntil(() => performance.now() - begunAt > before + 1_500, {
      what: 'some time without a writer',
    });
    nodes[0].thaw();
    await waitUntil(() => watch.longestOutageMs > before, { what: 'a write after it' });
    expect(watch.longestOutageMs).toBeGreaterThan(1_500);
  });
});
