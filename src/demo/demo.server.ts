import { HostProcess } from './host.process.js';

/** One server of the demo over all its lives. */
export class DemoServer {
  numKills = 0;
  #host: HostProcess | null = null;
  #failure: Error | null = null;

  /** @param listen puts listeners on each process before it reports anything. */
  constructor(
    readonly id: string,
    private readonly env: Record<string, string>,
    private readonly listen: (host: HostProcess) => void,
  ) {}

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const host = HostProcess.launch(this.env);
    this.#host = host;
    this.listen(host);
    await host.listening();
  }

  /** Whether it runs and listens. */
  get isUp(): boolean {
    return this.url !== '' && this.#host!.isRunning;
  }

  /** Where it listens; empty while it does not. */
  get url(): string {
    return this.#host?.url ?? '';
  }

  get output(): string {
    return this.#host?.output ?? '';
  }

  /** Kills it and starts it again; the latter is not waited for. */
  async kill(): Promise<void> {
    await this.#host?.end('SIGKILL');
    this.numKills++;
    this.start().catch((error: unknown) => (this.#failure = error as Error));
  }

  /** @throws Error if it ended by itself, or did not come up again. */
  check(): void {
    if (this.#failure) throw this.#failure;
    if (this.url !== '' && !this.isUp) throw new Error(`${this.id} ended by itself:\n${this.output}`);
  }

  /** Ends it in good order. */
  async stop(): Promise<void> {
    await this.#host?.end('SIGTERM');
  }
}
