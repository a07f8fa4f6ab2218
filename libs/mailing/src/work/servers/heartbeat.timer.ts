import type { OnApplicationBootstrap } from '@nestjs/common';
import { askHostUntimed, HostSilentError } from '../../model/host-calls/host-call.js';
import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { RunRegistry } from '../run/run.registry.js';
import type { ServerMembership, MembershipState } from './server-membership.js';

/**
 * A task that a member runs after each of its heartbeats. If it returns a promise, it is not started again before that settles; no heartbeat waits
 * for it, but an orderly stop does, for as long as it has time. A task that takes longer than `run.hostCallTimeoutMs` is reported (`server:error`).
 */
export type PeriodicTask = () => Promise<unknown> | void;

const HEARTBEAT = 'heartbeat';

/**
 * Keeps the lease of this process fresh, on its own timer that no run and no mail server can delay, and runs the tasks of a member after each
 * heartbeat. The first heartbeat is at the start of the application.
 *
 * A heartbeat that fails is only reported: the lease runs out by itself, and runs stop starting messages then. A heartbeat that finds this process
 * declared dead stops its runs at once and registers the process again, under a new incarnation.
 */
export class HeartbeatTimer implements OnApplicationBootstrap {
  readonly #tasks: PeriodicTask[] = [];
  readonly #underWay = new Map<PeriodicTask, Promise<unknown>>();
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;
  #last: Promise<void> = Promise.resolve();
  #failingSince: number | null = null;

  constructor(
    private readonly membership: ServerMembership,
    private readonly runs: RunRegistry,
    private readonly settings: Pick<MailingSettings, 'run' | 'server' | 'uniqServerId'>,
    private readonly events: MailingEvents,
  ) {}

  /** Begins in the background, so it neither delays nor breaks the host's bootstrap. Harmless when repeated. */
  onApplicationBootstrap(): void {
    if (!this.#timer && !this.#stopped) this.#timer = setTimeout(this.#tick, 0);
  }

  addTask(task: PeriodicTask): void {
    this.#tasks.push(task);
  }

  /** Stops for good. Resolves when no heartbeat and no task is running. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#last;
    await Promise.all(this.#underWay.values());
  }

  /** For a test: a heartbeat now, with its tasks. Resolves when they have ended. */
  async heartbeatNow(): Promise<void> {
    // A task that began earlier may have looked before the test's clock was moved.
    await Promise.all(this.#underWay.values());
    await this.#heartbeat();
    await Promise.all(this.#underWay.values());
  }

  readonly #tick = (): void => {
    this.#last = this.#heartbeat().finally(() => {
      // The timer must not keep a process alive that has nothing else to do.
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
