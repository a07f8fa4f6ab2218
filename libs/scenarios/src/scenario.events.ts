import { TypedEvents } from '../../mailing/src/index.js';

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
  'scenario:failed': {
    scenario: string;
    method: string;
    batchExecId: string | null;
    error: unknown;
    reason: string;
  };
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
export class ScenarioEvents extends TypedEvents<ScenarioEventMap> {}
