import type { OnApplicationBootstrap } from '@nestjs/common';
import { InvalidArgumentError } from '../../model/errors/argument.errors.js';
import { askHostUntimed, HostSilentError } from '../../model/host-calls/host-call.js';
import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { RunRegistry } from '../run/run.registry.js';
import type { ServerMembership, MembershipState } from './server-membership.js';

/**
 * Something that a member does after each of its heartbeats. One that returns a promise is not begun again before that is
 * settled, no heartbeat waits for it, and an orderly stop does for as long as it has time. One that takes longer than `run.hostCallTimeoutMs` is
 * reported (`server:error`).
 */
export type PeriodicTask = () => Promise<unknown> | void;

const HEARTBEAT = 'heartbeat';

/**
 * Keeps the lease of this process fresh, on a timer of its own that no run and no mail server can hold up, and does the
 * duties of a member after each heartbeat, the first of which is at the start of the application.
 *
 * A heartbeat that fails is only reported: the lease runs out by itself, and runs stop starting messages when it has. One
 * that finds this process declared dead stops its runs at once and registers it again at once, under a new incarnation.
 *
 * @example
 * ```ts
 * constructor(periodic: TemplateEmailPeriodicService) {
 *   periodic.addTask(() => metrics.count('mailing.member', {}));
 * }
 * ```
 */
export class TemplateEmailPeriodicService implements OnApplicationBootstrap {
  readonly #tasks: PeriodicTask[] = [];
  readonly #underWay = new Map<PeriodicTask, Promise<unknown>>();
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;
  #last: Promise<void> = Promise.resolve();
  #failingSince: number | null = null;

  constructor(
    private readonly membership: ServerMembership,
    private readonly runs: RunRegistry,
    private readonly settings: MailingSettings,
    private readonly events: MailingEvents,
  ) {}

  /** Begins, in the background: the host's bootstrap is neither held up nor broken. Twice is harmless. */
  onApplicationBootstrap(): void {
    if (!this.#timer && !this.#stopped) this.#timer = setTimeout(this.#tick, 0);
  }

  /**
   * From now on, `duty` is done after each heartbeat that finds this process a member.
   *
   * @throws InvalidArgumentError if it is no function.
   */
  addTask(task: PeriodicTask): void {
    if (typeof task !== 'function') throw new InvalidArgumentError('addTask: task', 'a function', task);
    this.#tasks.push(task);
  }

  /** Ends it for good. Resolves when no heartbeat and no duty is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#last;
    await Promise.all(this.#underWay.values());
  }

  readonly #tick = (): void => {
    this.#last = this.#heartbeat().finally(() => {
      // A server with nothing to do must not keep a process alive that has nothing else to do either.
      if (!this.#stopped)
        this.#timer = setTimeout(this.#tick, this.settings.server.heartbeatIntervalMs).unref();
    });
  };

  async #heartbeat(): Promise<void> {
    try {
      const state = await this.#stand();
      this.#tellRecovery();
      if (state !== 'member' || this.#stopped) return;
      for (const task of this.#tasks) this.#begin(task);
    } catch (error) {
      this.#failingSince ??= performance.now();
      this.#report(HEARTBEAT, error);
    }
  }

  #tellRecovery(): void {
    if (this.#failingSince === null) return;
    const lastedMs = Math.round(performance.now() - this.#failingSince);
    this.#failingSince = null;
    const { uniqServerId } = this.settings;
    this.events.emit('server:recovered', { uniqServerId, step: HEARTBEAT, lastedMs });
  }

  #begin(task: PeriodicTask): void {
    if (this.#underWay.has(task)) return;
    const { hostCallTimeoutMs } = this.settings.run;
    const silent = new HostSilentError('a task of TemplateEmailPeriodicService', hostCallTimeoutMs);
    const timer = setTimeout(() => this.#report('a task', silent), hostCallTimeoutMs).unref();
    const done = askHostUntimed(task)
      .catch((error: unknown) => this.#report('a task', error))
      .finally(() => {
        clearTimeout(timer);
        this.#underWay.delete(task);
      });
    this.#underWay.set(task, done);
  }

  #report(step: string, error: unknown): void {
    this.events.emit('server:error', { uniqServerId: this.settings.uniqServerId, step, error });
  }

  async #stand(): Promise<MembershipState> {
    const state = await this.membership.heartbeat();
    if (state !== 'lost') return state;
    this.runs.revokeAll();
    return this.#stopped ? state : this.membership.heartbeat();
  }
}
