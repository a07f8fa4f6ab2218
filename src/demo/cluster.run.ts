import { setTimeout as delay } from 'node:timers/promises';
import type { DemoRunParts } from './demo.run.js';
import { letterStatus, postLetter } from './demo.letter.js';
import { DemoServer } from './demo.server.js';
import type { HostProcess } from './host.process.js';
import { type PlannedKill, planKills } from './kill.plan.js';

/** Without progress for this long, the run is given up. */
const TIMEOUT_MS = 120_000;
/** Without progress for this long, the run asks a service: the server that completed the mailing may have died before its report. */
const ASK_MS = 1_000;
const LOOK_MS = 20;

/** Sends one batched newsletter through several servers and kills single ones meanwhile. */
export class ClusterRun {
  readonly #servers: DemoServer[];
  readonly #plan: PlannedKill[];
  readonly #completed = new Set<string>();
  #done = 0;

  constructor(private readonly parts: DemoRunParts) {
    this.#plan = planKills(parts);
    this.#servers = parts.serverIds.map(
      (id) => new DemoServer(id, parts.envOf(id), (host) => this.#listen(id, host)),
    );
    parts.inbox?.onReceived((done) => this.#progressed(done));
  }

  /** @returns the id of the completed mailing. */
  async run(): Promise<string> {
    const [first, ...others] = this.#servers;
    // Alone at first, because it creates the tables.
    await first.start();
    await Promise.all(others.map((server) => server.start()));
    const mailingId = await postLetter(first.url, this.parts.csv, true);
    for (const { at, delayMs, order } of this.#plan) {
      if (!(await this.#reach(mailingId, at))) break;
      await delay(delayMs);
      const victim = await this.#firstUp(order);
      if (this.#completed.has(mailingId)) break;
      await victim.kill();
      this.parts.say(`  ${victim.id} killed at ${this.#of(this.#done)}`);
    }
    await this.#reach(mailingId, Number.POSITIVE_INFINITY);
    return mailingId;
  }

  killsOf(serverId: string): number {
    return this.#servers.find(({ id }) => id === serverId)?.numKills ?? 0;
  }

  /** Ends all servers in an orderly way. */
  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
  }

  #listen(id: string, host: HostProcess): void {
    host.on('batch:freed', ({ fromServerId, numInDoubt }) => {
      const { inDoubt, say } = this.parts;
      say(
        `  ${id} freed a batch of ${fromServerId}, ${numInDoubt} ${inDoubt === 'resend' ? 'to be sent again' : 'in doubt'}`,
      );
    });
    host.on('mailing:ended', ({ mailingId, status }) => {
      if (status === 'completed') this.#completed.add(mailingId);
    });
  }

  /** Waits until `count` messages are received. @returns false if the mailing has ended before. */
  async #reach(mailingId: string, count: number): Promise<boolean> {
    let lastDone = this.#done;
    let [progressAt, askedAt] = [performance.now(), performance.now()];
    while (this.#done < count && !this.#completed.has(mailingId)) {
      await delay(LOOK_MS);
      for (const server of this.#servers) server.check();
      const now = performance.now();
      if (this.#done !== lastDone) [lastDone, progressAt] = [this.#done, now];
      if (now - progressAt > TIMEOUT_MS) throw new Error(this.#stalled());
      if (!this.parts.inbox || now - Math.max(progressAt, askedAt) > ASK_MS) {
        await this.#ask(mailingId);
        askedAt = performance.now();
      }
    }
    return !this.#completed.has(mailingId);
  }

  async #ask(mailingId: string): Promise<void> {
    const server = this.#servers.find(({ isUp }) => isUp);
    if (!server) return;
    // The server may die or fall silent during the answer; the next call asks a server that is up.
    const answer = await letterStatus(server.url, mailingId).catch(() => null);
    if (!answer) return;
    const { numSent, numErrors, numSkipped, status } = answer;
    if (status === 'completed') this.#completed.add(mailingId);
    if (!this.parts.inbox) this.#progressed(numSent + numErrors + numSkipped);
  }

  /** Returns the first server in this order that is up; waits while all are down. */
  async #firstUp(order: string[]): Promise<DemoServer> {
    const servers = order.map((id) => this.#servers.find((server) => server.id === id)!);
    for (;;) {
      const up = servers.find(({ isUp }) => isUp);
      if (up) return up;
      await delay(LOOK_MS);
      for (const server of servers) server.check();
    }
  }

  #progressed(done: number): void {
    this.#done = done;
    this.parts.progress(done);
  }

  #stalled(): string {
    const outputs = this.#servers.map(({ id, output }) => `${id}:\n${output}`).join('\n');
    return `No progress at ${this.#of(this.#done)} for ${TIMEOUT_MS / 1000} s:\n${outputs}`;
  }

  #of(count: number): string {
    return `${count.toLocaleString('en')} of ${this.parts.recipients.toLocaleString('en')}`;
  }
}
