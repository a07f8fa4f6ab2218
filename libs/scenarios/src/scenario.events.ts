import { EventEmitter } from 'node:events';
import { tellHost, toOneLine } from '../../mailing/src/index.js';

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

/** Hears one kind of event. */
export type ScenarioListener<K extends keyof ScenarioEventMap> = (facts: ScenarioEventMap[K]) => unknown;

/**
 * Where scenarios say what they do. Nothing waits for a promise that a listener returns; what it throws or rejects with becomes a warning
 * of the process (`MailingListenerWarning`), once for each listener.
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
  readonly #warned = new WeakSet<object>();

  on<K extends keyof ScenarioEventMap>(name: K, listener: ScenarioListener<K>): this {
    this.#emitter.on(name, listener);
    return this;
  }

  off<K extends keyof ScenarioEventMap>(name: K, listener: ScenarioListener<K>): this {
    this.#emitter.off(name, listener);
    return this;
  }

  emit<K extends keyof ScenarioEventMap>(name: K, facts: ScenarioEventMap[K]): void {
    for (const listener of this.#emitter.listeners(name)) {
      // What listens must not become a failure of what it listens to.
      tellHost(
        () => (listener as ScenarioListener<K>)(facts),
        (_, reason) => this.#warnOnce(listener, name, reason),
      );
    }
  }

  #warnOnce(listener: object, name: string, reason: string): void {
    if (this.#warned.has(listener)) return;
    this.#warned.add(listener);
    const text = `A listener of ${name} fails: ${toOneLine(reason)}. Correct it.`;
    process.emitWarning(text, 'MailingListenerWarning');
  }
}
