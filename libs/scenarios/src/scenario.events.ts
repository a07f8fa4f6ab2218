import { EventEmitter } from 'node:events';

/** Every event of scenarios with its facts. */
export interface ScenarioEventMap {
  /** An event was handled: its mailings are written down. `numRepeats` of them were there before. */
  'scenario:handled': {
    scenario: string;
    method: string;
    /** Of all mailings of this event; the key of `MailingQuery.byExecution`. */
    batchExecId: string;
    numMailings: number;
    numRepeats: number;
  };
  /** Handling an event failed; mailings that were written down before are sent. `batchExecId` is null if it has none yet. */
  'scenario:failed': { scenario: string; method: string; batchExecId: string | null; error: unknown };
}

/**
 * Where scenarios say what they do.
 *
 * @example
 * ```ts
 * constructor(events: ScenarioEvents) {
 *   events.on('scenario:failed', ({ scenario, method }) => metrics.count('scenario.failed', { scenario, method }));
 * }
 * ```
 */
export class ScenarioEvents {
  readonly #emitter = new EventEmitter().setMaxListeners(0);

  on<K extends keyof ScenarioEventMap>(name: K, listener: (facts: ScenarioEventMap[K]) => void): this {
    this.#emitter.on(name, listener);
    return this;
  }

  off<K extends keyof ScenarioEventMap>(name: K, listener: (facts: ScenarioEventMap[K]) => void): this {
    this.#emitter.off(name, listener);
    return this;
  }

  emit<K extends keyof ScenarioEventMap>(name: K, facts: ScenarioEventMap[K]): void {
    for (const listener of this.#emitter.listeners(name)) {
      try {
        (listener as (facts: ScenarioEventMap[K]) => void)(facts);
      } catch (error) {
        // What listens must not become a failure of what it listens to.
        process.emitWarning(
          `A listener of ${name} throws: ${String(error)}. Mend it.`,
          'MailingListenerWarning',
        );
      }
    }
  }
}
