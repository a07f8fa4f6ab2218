import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { CommandPersister } from '../../store/commands/command.persister.js';
import type { FencedRun, FencedRuns } from '../claims/fenced.runs.js';
import type { ProfileRecorder } from '../recipients/profile.recorder.js';
import type { TemplateEmailPeriodicService } from '../servers/template-email-periodic.service.js';
import type { Sweep } from './sweep.js';

/**
 * Settles recipients that another server has recorded as in doubt, by what this process knows of them: their answers arrived, or could be written, only
 * after the claim was lost.
 *
 * A recipient whose message was accepted becomes `sent`, as if a person had said so. A recipient that was never handed over is tried again, if
 * nothing has been done about it since (`retryUnsent`). A refusal settles nothing.
 *
 * Cost: one transaction per heartbeat for each such run, until its recipients are settled.
 */
export class LateAnswersSweep implements Sweep {
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
    const { slice, claimToken, commitSeq, sent, unsent, keptUntil } = run;
    const { commands, events, fencedRuns, recorder } = this;
    if (performance.now() > keptUntil) fencedRuns.forget(run);
    if (sent.size + unsent.length === 0) return;
    const known = { claimToken, commitSeq, sent: [...sent.keys()], unsent };
    const { settled, numRetried, isOver } = await commands.settleLate(slice, known);
    if (isOver) fencedRuns.forget(run);
    if (settled.size + numRetried === 0) return;
    events.emit('in-doubt:settled', { mailingId: slice.mailingId, numSent: settled.size, numRetried });
    await recorder.noteMailed([...settled].flatMap((idx) => sent.get(idx) ?? []));
  }
}
