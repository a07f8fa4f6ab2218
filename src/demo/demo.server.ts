import { HostProcess } from './host.process.js';

/** One server of the demo, across all its restarts. */
export class DemoServer {
  numKills = 0;
  #host: HostProcess | null = null;
  #failure: Error | null = null;

  /** @param listen adds listeners to each process before its first report. */
  constructor(
    readonly id: string,
    private readonly env: Record<string, string>,
    private readonly listen: (host: HostProcess) => void,
  ) {}

  /** Starts the server. Resolves when it listens. */
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

  /** The URL of the server; empty while it does not listen. */
  get url(): string {
    return this.#host?.url ?? '';
  }

  get output(): string {
    return this.#host?.output ?? '';
  }

  /** Kills the server and starts it again, without waiting for the start. */
  async kill(): Promise<void> {
    await this.#host?.end('SIGKILL');
    this.numKills++;
    this.start().catch((error: unknown) => (this.#failure = error as Error));
  }

  /** @throws Error if the server ended by itself, or did not start again. */
  check(): void {
    if (this.#failure) throw this.#failure;
    if (this.url !== '' && !this.isUp) throw new Error(`${this.id} ended by itself:\n${this.output}`);
  }

  /** Ends the server in an orderly way. */
  async stop(): Promise<void> {
    await this.#host?.end('SIGTERM');
  }
}
