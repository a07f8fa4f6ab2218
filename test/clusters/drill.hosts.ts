import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NewsletterService, type Report } from '../support/hosts/newsletter-service.js';

const MAIN = fileURLToPath(new URL('host.process.mjs', import.meta.url));
export const HOSTS = 3;
/** Batches that one host works on at a time, and so the slices that its death leaves. */
export const BATCH_THREADS = 2;
const BATCH_SIZE = 50;

export interface HostPlace {
  /** One proxy for each host. */
  databaseUrls: readonly string[];
  smtpUrl: string;
  /** Folder of their logs. */
  folder: string;
  watch: ProcessWatch;
}

/** Called for each process that is started and that has ended. */
export interface ProcessWatch {
  started(pid: number): void;
  ended(pid: number): void;
}

/** Three servers of an application that share batches, each of which a drill may kill. Their leases are the plugin's defaults. */
export class DrillHosts {
  readonly #running: NewsletterService[] = [];
  readonly #all: NewsletterService[] = [];
  #losses = 0;

  constructor(private readonly place: HostPlace) {}

  /** How many were killed so far. */
  get losses(): number {
    return this.#losses;
  }

  /** Resolves when all listen. */
  async start(): Promise<void> {
    for (let n = 0; n < HOSTS; n++) this.launch(n);
    await Promise.all(this.#running.map((host) => host.listening()));
  }

  /** Restarts a host after `kill`, without waiting. */
  launch(n: number): void {
    const { databaseUrls, smtpUrl, folder, watch } = this.place;
    const host = NewsletterService.launch({
      databaseUrl: databaseUrls[n],
      smtpUrl,
      serverId: `host:${n}`,
      main: MAIN,
      env: {
        LOG_FILE: join(folder, `host-${n}.log`),
        MAILING_HEARTBEAT_INTERVAL_MS: '5000',
        MAILING_LEASE_MS: '20000',
        MAILING_TAKES_BATCHES: 'true',
        MAILING_EMAILS_PER_BATCH: String(BATCH_SIZE),
        MAILING_BATCH_THREADS: String(BATCH_THREADS),
      },
    });
    watch.started(host.pid);
    this.#running[n] = host;
    this.#all.push(host);
  }

  /** Sends a mailing by this host. @returns its id. */
  async send(n: number, form: FormData): Promise<string> {
    const { status, answer } = await this.#running[n].post(form);
    if (status !== 202) throw new Error(`${status}: ${JSON.stringify(answer)}`);
    return answer.id as string;
  }

  async kill(n: number): Promise<void> {
    const host = this.#running[n];
    await host.kill();
    this.place.watch.ended(host.pid);
    this.#losses++;
  }

  /** Hosts that ended by themselves. */
  get lost(): string[] {
    return this.#running
      .filter((host) => !host.isRunning)
      .map((host) => `A host ended by itself:\n${host.output}`);
  }

  countOf(name: Report['name']): number {
    return this.#all.reduce((count, host) => count + host.countOf(name), 0);
  }

  /** Shuts them down. @returns complaints about hosts that do not end. */
  async stop(): Promise<string[]> {
    for (const host of this.#running) host.signal('SIGTERM');
    const complaints = await Promise.all(
      this.#running.map((host) =>
        host.ended().then(
          () => null,
          (error: Error) => error.message,
        ),
      ),
    );
    await this.killAll();
    return complaints.filter((one) => one !== null);
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#running.map((host) => host.kill()));
    for (const { pid } of this.#running) this.place.watch.ended(pid);
  }
}
