import { InvalidArgumentError } from '../../model/errors/argument.errors.js';
import type { HeartbeatTimer, PeriodicTask } from './heartbeat.timer.js';

/**
 * Runs tasks of the host after the heartbeats of this process.
 *
 * @example
 * ```ts
 * constructor(periodic: TemplateEmailPeriodicService) {
 *   periodic.addTask(() => metrics.count('mailing.member', {}));
 * }
 * ```
 */
export class TemplateEmailPeriodicService {
  constructor(private readonly heartbeats: Pick<HeartbeatTimer, 'addTask'>) {}

  /**
   * Runs `task` after each heartbeat that finds this process a member.
   *
   * @throws InvalidArgumentError if it is not a function.
   */
  addTask(task: PeriodicTask): void {
    if (typeof task !== 'function') throw new InvalidArgumentError('addTask: task', 'a function', task);
    this.heartbeats.addTask(task);
  }
}
