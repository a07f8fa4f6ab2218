import { EventEmitter } from 'node:events';
import { AsyncContext } from '../host-calls/async-context.js';
import { tellHost } from '../host-calls/host-call.js';
import { publicReasonOf, toPublicText } from '../values/public-text.js';

/** The facts that `emit` takes: where they have an `error`, their `reason` is made from it. */
type Given<Facts> = Facts extends { error: unknown; reason: string } ? Omit<Facts, 'reason'> : Facts;

/**
 * Events by name, each with its facts. Where the facts have an `error`, listeners also get a `reason`, made by `toPublicText`. The error
 * itself is not enumerable, so code that prints facts does not print it: it may quote a database or a mail server. A promise that a
 * listener returns is not awaited. What a listener throws or rejects with becomes a warning of the process (`MailingListenerWarning`), once
 * for each listener, and stops nothing. Listeners are called in the asynchronous context in which this object was made, not in the one that
 * emits. For the plugin and its parts.
 *
 * @example
 * ```ts
 * const events = new TypedEvents<{ 'order:paid': { orderId: string } }>();
 * events.on('order:paid', ({ orderId }) => console.log(`paid: ${orderId}`));
 * events.emit('order:paid', { orderId: 'o-17' });
 * ```
 */
export class TypedEvents<Facts extends { [K in keyof Facts]: object }> {
  readonly #emitter = new EventEmitter().setMaxListeners(0);
  readonly #warned = new WeakSet<object>();
  readonly #context = new AsyncContext();

  on<K extends keyof Facts & string>(name: K, listener: (facts: Facts[K]) => unknown): this {
    this.#emitter.on(name, listener);
    return this;
  }

  off<K extends keyof Facts & string>(name: K, listener: (facts: Facts[K]) => unknown): this {
    this.#emitter.off(name, listener);
    return this;
  }

  /** Takes all listeners off. Later events reach only listeners that come later. */
  close(): void {
    this.#emitter.removeAllListeners();
  }

  emit<K extends keyof Facts & string>(name: K, facts: Given<Facts[K]>): void {
    const told = toTold(facts as object) as Facts[K];
    for (const listener of this.#emitter.listeners(name)) {
      // A listener that fails must not stop a mailing in the middle of a step, nor end the process.
      tellHost(
        () => this.#context.run(() => (listener as (facts: Facts[K]) => unknown)(told)),
        (_, reason) => this.#warnOnce(listener, name, reason),
      );
    }
  }

  #warnOnce(listener: object, name: string, reason: string): void {
    if (this.#warned.has(listener)) return;
    this.#warned.add(listener);
    const text = `A listener of ${name} fails: ${toPublicText(reason)}. Correct it.`;
    process.emitWarning(text, 'MailingListenerWarning');
  }
}

/** Invariant: foreign text (errors, answers) reaches listeners only through this function. */
function toTold(facts: object): object {
  const { error, reason } = facts as { error?: unknown; reason?: unknown };
  if ('error' in facts) {
    const told = { ...facts, reason: publicReasonOf(error) };
    return Object.defineProperty(told, 'error', { value: error, enumerable: false });
  }
  return typeof reason === 'string' ? { ...facts, reason: toPublicText(reason) } : facts;
}
