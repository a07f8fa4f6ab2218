import { TypedEvents } from '../../mailing/src/index.js';

/** Every event of scenarios with its facts. */
export interface ScenarioEventMap {
  /** An event was handled: its mailings are written. `numRepeats` of them existed before. */
  'scenario:handled': {
    scenario: string;
    method: string;
    /** Execution id of all mailings of this event; the key of `MailingQuery.byExecution`. */
    batchExecId: string;
    numMailings: number;
    numRepeats: number;
  };
  /** Handling an event failed; mailings that were written before are sent. `batchExecId` is null if the event has none yet. */
  'scenario:failed': {
    scenario: string;
    method: string;
    batchExecId: string | null;
    error: unknown;
    reason: string;
  };
}

/** A listener for one kind of event. */
export type ScenarioListener<K extends keyof ScenarioEventMap> = (facts: ScenarioEventMap[K]) => unknown;

/**
 * The events of scenarios. A promise that a listener returns is not awaited. What a listener throws or rejects with becomes a warning of
 * the process (`MailingListenerWarning`), once for each listener.
 *
 * @example
 * ```ts
 * constructor(events: ScenarioEvents) {
 *   events.on('scenario:failed', ({ scenario, method }) => metrics.count('scenario.failed', { scenario, method }));
 * }
 * ```
 */
export class ScenarioEvents extends TypedEvents<ScenarioEventMap> {}
