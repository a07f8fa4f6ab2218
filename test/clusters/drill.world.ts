import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../src/demo/seeded-random.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { ClusterDatabase } from './cluster.database.js';
import type { ClusterNode, DatabaseCluster } from './database-cluster.js';
import { DrillHosts, HOSTS, type ProcessWatch } from './drill.hosts.js';
import { DrillMailing } from './drill.mailing.js';
import { WriterProxy } from './writer.proxy.js';
import { WriterWatch } from './writer.watch.js';

const LOOK_EVERY_MS = 100;
const WRITER_DEADLINE_MS = 60_000;
/** A drill fails after so long without a message. */
const MAX_SILENCE_MS = 75_000;
/** The mail server's maximum delay for a message: during the drill, near the end of a list, and after the drill. */
const ANSWER_MS = { drill: 1_500, last: 6_000, rest: 20 };
const LAST_SHARE = 0.15;
/** Two batches on each of three hosts and one run, with five concurrent messages each, at half of the maximum delay. */
const MESSAGES_PER_SECOND = { batched: 40, single: 7 };

export interface WorldParts {
  cluster: DatabaseCluster;
  seed: number;
  /** Approximate duration of the drill, which decides the length of the lists. */
  seconds: number;
  /** Folder of the hosts' logs. */
  folder: string;
  watch: ProcessWatch;
  stop: AbortSignal;
  say: (line: string) => void;
}

/** No message was received for too long, although a mailing was not over. */
export class SilentMailingsError extends Error {
  constructor(readonly received: number) {
    super(`Nothing was received for ${MAX_SILENCE_MS / 1_000} s after ${received} messages.`);
  }
}

/** The host that gets the request for each mailing. */
export const HOST_OF = { batched: 0, single: 1 } as const;

/** Three hosts, a cluster, a mail server and two mailings in progress. */
export class DrillWorld implements AsyncDisposable {
  readonly mailings = [] as DrillMailing[];
  readonly database = new ClusterDatabase();
  readonly random: () => number;
  hosts: DrillHosts;
  inbox: SmtpInbox;
  private isDrilling = true;
  private readonly proxies: WriterProxy[] = [];
  private readonly answers: () => number;
  private readonly begunAt = performance.now();
  private readonly killHosts = (): void => void this.hosts?.killAll();

  private constructor(
    private readonly parts: WorldParts,
    readonly watch: WriterWatch,
  ) {
    this.random = seededRandom(parts.seed);
    // A generator of its own: the order of messages depends on the network, and would change the drill.
    this.answers = seededRandom(parts.seed ^ 0x5bd1e995);
  }

  /** Resolves when messages of both mailings flow. */
  static async start(parts: WorldParts): Promise<DrillWorld> {
    const { cluster } = parts;
    const first = await cluster.writer();
    if (!first) throw new Error(`The cluster (${cluster.topology}) has no writer before the drill.`);
    await ClusterDatabase.prepare(first, cluster.nodes.length);
    const world = new DrillWorld(parts, WriterWatch.start(cluster));
    try {
      await world.open(first);
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  get cluster(): DatabaseCluster {
    return this.parts.cluster;
  }

  get isOver(): boolean {
    return this.mailings.every((mailing) => mailing.isOver);
  }

  get received(): number {
    return this.inbox.messages.length;
  }

  /** A random host. */
  anyHost(): number {
    return Math.floor(this.random() * HOSTS);
  }

  /** @param at the time by `performance.now()`. */
  say(line: string, at = performance.now()): void {
    this.parts.say(`  ${((at - this.begunAt) / 1_000).toFixed(1)} s: ${line}`);
  }

  /** Resolves with the writer as soon as there is one. */
  async writer(): Promise<ClusterNode> {
    const deadline = performance.now() + WRITER_DEADLINE_MS;
    for (;;) {
      this.parts.stop.throwIfAborted();
      const writer = await this.cluster.writer();
      if (writer) return writer;
      if (performance.now() > deadline) throw new Error(`No node writes after ${WRITER_DEADLINE_MS} ms.`);
      await delay(LOOK_EVERY_MS);
    }
  }

  /** Connects a host to a node, if all nodes take writes; null: to the writer. */
  lead(host: number, node: ClusterNode | null): void {
    this.proxies[host].prefer(node);
  }

  leadAll(node: ClusterNode | null): void {
    this.watch.use([]);
    for (let host = 0; host < HOSTS; host++) this.lead(host, node);
  }

  /** Spreads the connections of all hosts over all nodes, as a load balancer does, until `lead` is called. */
  spread(): void {
    this.watch.use(this.cluster.nodes);
    for (const proxy of this.proxies) proxy.spread(this.cluster.nodes);
  }

  /** Cuts a host off from the database for so long. Meanwhile a mailing of its own waits, because only batches move to other hosts. */
  async split(host: number, ms: number): Promise<void> {
    this.proxies[host].split();
    try {
      await this.pause(ms);
    } finally {
      this.proxies[host].heal();
      if (host === HOST_OF.single) this.mailings.find(({ name }) => name === 'single')?.excuse();
    }
  }

  /** A plain delay: for a duration that a drill is about, or a random moment. */
  async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.parts.stop });
  }

  /**
   * Resolves after so many more messages, or at the end of both mailings.
   *
   * @throws SilentMailingsError if there are none for too long.
   */
  async progress(messages: number): Promise<void> {
    const wanted = this.received + messages;
    await this.until(() => this.received >= wanted);
  }

  /** Ends the slow part and waits for the end of both mailings. */
  async finish(): Promise<void> {
    this.isDrilling = false;
    this.leadAll(null);
    await this.until(() => false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.parts.stop.removeEventListener('abort', this.killHosts);
    await this.hosts?.killAll();
    await Promise.all(this.proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
    this.database.forget();
    await this.watch[Symbol.asyncDispose]();
    await this.inbox?.close();
  }

  private async open(first: ClusterNode): Promise<void> {
    const { seconds, folder, watch, stop } = this.parts;
    this.inbox = await SmtpInbox.start({
      keepRaw: 0,
      answer: async ({ command, message }) => {
        if (command !== 'END' || !message) return;
        const mailing = this.mailings.find((one) => one.isOf(message));
        mailing?.note();
        await delay(this.answers() * this.longestAnswerMs(mailing));
      },
    });
    for (let n = 0; n < HOSTS; n++) this.proxies.push(await WriterProxy.start(this.watch, first));
    this.hosts = new DrillHosts({
      databaseUrls: this.proxies.map((proxy) => proxy.urlLike(first)),
      smtpUrl: this.inbox.url,
      folder,
      watch,
    });
    stop.addEventListener('abort', this.killHosts);
    stop.throwIfAborted();
    await this.hosts.start();
    for (const name of ['batched', 'single'] as const) {
      const mailing = new DrillMailing(name, Math.ceil(seconds * MESSAGES_PER_SECOND[name]));
      this.mailings.push(mailing);
      mailing.begin(await this.hosts.send(HOST_OF[name], mailing.form));
    }
    await this.until(() => this.mailings.every(({ received }) => received > 10));
  }

  private longestAnswerMs(mailing?: DrillMailing): number {
    if (!this.isDrilling) return ANSWER_MS.rest;
    const isNearEnd = mailing && mailing.received > (1 - LAST_SHARE) * mailing.numRecipients;
    return isNearEnd ? ANSWER_MS.last : ANSWER_MS.drill;
  }

  /** Resolves when the condition holds or both mailings are over. */
  private async until(condition: () => boolean): Promise<void> {
    let [received, progressAt] = [this.received, performance.now()];
    while (!condition() && !(await this.lookWhetherOver())) {
      this.parts.stop.throwIfAborted();
      if (this.received !== received) [received, progressAt] = [this.received, performance.now()];
      if (performance.now() - progressAt > MAX_SILENCE_MS) throw new SilentMailingsError(received);
      await delay(LOOK_EVERY_MS);
    }
  }

  private async lookWhetherOver(): Promise<boolean> {
    const { writer } = this.watch;
    for (const mailing of this.mailings) {
      if (writer === null || mailing.isOver) continue;
      if (await this.database.isCompleted(writer, mailing.id)) mailing.end();
    }
    return this.isOver;
  }
}
