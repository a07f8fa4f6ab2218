import type { OnApplicationBootstrap } from '@nestjs/common';
import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { CommandPersister } from '../../store/commands/command.persister.js';
import type { FencedRun, FencedRuns } from '../claims/fenced.runs.js';
import type { ProfileRecorder } from '../recipients/profile.recorder.js';
import type { TemplateEmailPeriodicService } from '../servers/template-email-periodic.service.js';

/**
 * Settles recipients that another server has recorded as in doubt, and whose messages this process has sent: their answers arrived, or could be
 * written, only after the claim was lost.
 *
 * This process reports what it knows, as a person could: a recipient in doubt whose message was accepted becomes `sent`. A refusal settles nothing,
 * because this process does not know whether another attempt was made since. For the same reason, recipients that were never handed over stay in doubt.
 *
 * Cost: one transaction per heartbeat for each such run, until its recipients are settled.
 */
export class LateAnswersSweep implements OnApplicationBootstrap {
  constructor(
    private readonly fencedRuns: FencedRuns,
    private readonly commands: CommandPersister,
    private readonly recorder: Pick<ProfileRecorder, 'noteMailed'>,
    private readonly periodic: TemplateEmailPeriodicService,
    private readonly events: MailingEvents,
  ) {}

  onApplicationBootstrap(): void {
    this.periodic.addTask(() => this.sweep());
  }

  /** @throws Error the first failure, after all runs have been tried; the next heartbeat tries again. */
  async sweep(): Promise<void> {
    const failures: unknown[] = [];
    for (const run of this.fencedRuns.all)
      await this.#settle(run).catch((error: unknown) => {
        // A run that fails must not block the others.
        failures.push(error);
      });
    if (failures.length > 0) throw failures[0];
  }

  async #settle(run: FencedRun): Promise<void> {
    const { slice, sent, keptUntil } = run;
    if (performance.now() > keptUntil) this.fencedRuns.forget(run);
    if (sent.size === 0) return;
    const { settled, isOver } = await this.commands.settleAnsweredLate(slice, [...sent.keys()]);
    if (isOver) this.fencedRuns.forget(run);
    if (settled.size === 0) return;
    this.events.emit('in-doubt:settled', { mailingId: slice.mailingId, numSent: settled.size });
    await this.recorder.noteMailed([...settled].flatMap((idx) => sent.get(idx) ?? []));
  }
}
