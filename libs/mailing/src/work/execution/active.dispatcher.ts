import type { Dispatcher, DispatcherContext } from '../../model/ports/dispatcher.js';
import { askHost, askHostUntimed, tellHost } from '../../model/host-calls/host-call.js';
import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { BatchWorker } from './batch-worker.js';
import { PollingDispatcher } from './polling.dispatcher.js';

/** The connection to the dispatcher, which may be the host's, and is known only after the application is initialized. */
export class ActiveDispatcher {
  #dispatcher: Dispatcher = new PollingDispatcher();
  #isRunning = false;
  #hasEnded = false;

  constructor(
    private readonly settings: Pick<
      MailingSettings,
      'batch' | 'enabledAsTemplateMailServer' | 'run' | 'uniqServerId'
    >,
    private readonly events: MailingEvents,
  ) {
    // These events change what `free()` returns.
    for (const name of ['server:registered', 'transport:recovered'] as const)
      events.on(name, () => this.announce());
  }

  use(dispatcher: Dispatcher): void {
    this.#dispatcher = dispatcher;
  }

  /** Starts the dispatcher. Never rejects: a dispatcher that can't be started is reported, and other servers work on the batches. */
  async start(work: BatchWorker): Promise<void> {
    const { enabledAsTemplateMailServer, batch } = this.settings;
    const context: DispatcherContext = {
      work,
      numBatchThreads: enabledAsTemplateMailServer ? batch.numBatchThreads : 0,
      pollIntervalMs: batch.pollIntervalMs,
      reportError: (step, error) => this.#report(step, error),
    };
    const { hostCallTimeoutMs: timeoutMs } = this.settings.run;
    const dispatcher = this.#dispatcher;
    // A start that takes longer is reported, and batches are announced once it has ended.
    const starting = askHostUntimed(() => dispatcher.start(context)).then(() => {
      this.#isRunning = !this.#hasEnded;
    });
    try {
      await askHost({ call: 'Dispatcher.start', timeoutMs }, () => starting);
    } catch (error) {
      this.#report('start of the dispatcher', error);
    }
  }

  /** Tells the dispatcher that batches have become free. */
  announce(): void {
    if (!this.#isRunning) return;
    tellHost(
      () => this.#dispatcher.announce(),
      (error) => this.#report('announcing batches', error),
    );
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#hasEnded = true;
    try {
      await askHostUntimed(() => this.#dispatcher.stop());
    } catch (error) {
      this.#report('stop of the dispatcher', error);
    }
  }

  #report(step: string, error: unknown): void {
    this.events.emit('server:error', { uniqServerId: this.settings.uniqServerId, step, error });
  }
}
