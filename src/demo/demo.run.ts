import { setTimeout as delay } from 'node:timers/promises';
import type { MailingResult } from 'nestjs-mailing';
import type { EmbeddedInbox } from '../inbox/embedded-inbox.js';
import { letterStatus, postLetter } from './demo.letter.js';
import { HostProcess } from './host.process.js';
import { planKills } from './kill.plan.js';

/** Without progress for this long, the run is given up. */
const TIMEOUT_MS = 120_000;
const LOOK_MS = 25;

export interface DemoRunParts {
  serverIds: string[];
  /** The environment of one server. */
  envOf: (serverId: string) => Record<string, string>;
  csv: string;
  recipients: number;
  kills: number;
  /** The most that one kill can leave in doubt. */
  maxInDoubt: number;
  inDoubt: 'leave' | 'resend';
  random: () => number;
  inbox: EmbeddedInbox | null;
  say: (line: string) => void;
  progress: (done: number) => void;
}

/** Sends one newsletter through the service and kills the service again and again meanwhile. */
export class DemoRun {
  #host: HostProcess | null = null;
  #ended: MailingResult['status'] | null = null;
  #done = 0;
  #numKills = 0;

  constructor(private readonly parts: DemoRunParts) {
    parts.inbox?.onReceived((done) => this.#progressed(done));
  }

  /** @returns the id of the completed mailing. */
  async run(): Promise<string> {
    const host = await this.#start();
    const mailingId = await postLetter(host.url, this.parts.csv);
    for (const { at, delayMs } of planKills(this.parts)) {
      if (!(await this.#reach(mailingId, at))) break;
      await delay(delayMs);
      if (this.#ended) break;
      await this.#host?.end('SIGKILL');
      this.#numKills++;
      this.parts.say(`  killed    at ${this.#of(this.#done)}`);
      await this.#start();
    }
    await this.#reach(mailingId, Number.POSITIVE_INFINITY);
    return mailingId;
  }

  killsOf(serverId: string): number {
    return serverId === this.parts.serverIds[0] ? this.#numKills : 0;
  }

  /** Ends the service in an orderly way. */
  async stop(): Promise<void> {
    await this.#host?.end('SIGTERM');
  }

  async #start(): Promise<HostProcess> {
    const { serverIds, envOf } = this.parts;
    this.#host = await HostProcess.start(envOf(serverIds[0]), (host) => {
      host.on('run:recovered', ({ numSettled, numInDoubt, isResent }) => {
        const recovered = `${numInDoubt} ${isResent ? 'sent again' : 'in doubt'}`;
        this.parts.say(`  resumed   at ${this.#of(numSettled)}, ${recovered}`);
      });
      host.on('run:ended', ({ status }) => (this.#ended = status));
    });
    return this.#host;
  }

  /** Waits until `count` messages are received. @returns false if the mailing has ended before. */
  async #reach(mailingId: string, count: number): Promise<boolean> {
    let lastDone = this.#done;
    let lastProgressAt = performance.now();
    while (this.#done < count && !this.#ended) {
      await delay(LOOK_MS);
      if (!this.parts.inbox) this.#progressed(await this.#ask(mailingId));
      if (this.#done !== lastDone) [lastDone, lastProgressAt] = [this.#done, performance.now()];
      if (this.#host?.isRunning === false)
        throw new Error(`The service ended by itself:\n${this.#host.output}`);
      if (performance.now() - lastProgressAt > TIMEOUT_MS && !(await this.#hasEnded(mailingId))) {
        throw new Error(
          `No progress at ${this.#of(this.#done)} for ${TIMEOUT_MS / 1000} s:\n${this.#host?.output}`,
        );
      }
    }
    return !this.#ended;
  }

  async #hasEnded(mailingId: string): Promise<boolean> {
    const mailing = await letterStatus(this.#host!.url, mailingId);
    if (mailing.status === 'completed') this.#ended = mailing.status;
    return this.#ended !== null;
  }

  async #ask(mailingId: string): Promise<number> {
    const { numSent, numErrors, numSkipped, status } = await letterStatus(this.#host!.url, mailingId);
    if (status === 'completed') this.#ended = status;
    return numSent + numErrors + numSkipped;
  }

  #progressed(done: number): void {
    this.#done = done;
    this.parts.progress(done);
  }

  #of(count: number): string {
    return `${count.toLocaleString('en')} of ${this.parts.recipients.toLocaleString('en')}`;
  }
}
