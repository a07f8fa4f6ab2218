import type { RestartSweep, ResumeReport, SweepReport } from './restart.sweep.js';

/**
 * Resumes this server's unfinished mailings, and adopts those of the dead servers in `migrationList`: in the background, when the application has
 * started and after each heartbeat.
 *
 * With the option `resume: 'manual'` it begins only what this process was asked for since its start, until `resume()` is called. Requested pauses and
 * cancels are completed, and lists whose writer died become `failed`: neither sends anything.
 */
export class TemplateEmailRestarter {
  constructor(private readonly restarts: RestartSweep) {}

  /**
   * Finds unfinished mailings and begins them, except those that wait for `resume()`. Calls at the same moment share one sweep. Never rejects.
   *
   * @returns what was found; the mailings themselves go on in the background.
   */
  sweep(): Promise<SweepReport> {
    return this.restarts.sweep();
  }

  /**
   * Begins the mailings that wait in the database since a start with `resume: 'manual'`. From now on, until it ends, this process resumes mailings as
   * with `auto`. Harmless when repeated, and if nothing waits. It affects this process alone: call it on each server that was started so.
   *
   * Mailings that were paused because the mail server was unreachable go on when a probe reaches it; a probe starts now.
   *
   * @returns what was found, once it is begun; the mailings themselves go on in the background. A later call does not list what the first one began.
   * @throws ServerStandbyError if another live process has our server id; ServerShuttingDownError during shutdown; errors of the database. Nothing
   * was begun then, and the call may be repeated.
   *
   * @example
   * ```ts
   * const { resumed, adopted, batched } = await restarter.resume();
   * console.log(`${resumed.length} mailings go on, ${adopted.length} of them from dead servers, and ${batched.length} in batches`);
   * ```
   */
  resume(): Promise<ResumeReport> {
    return this.restarts.resume();
  }
}
