import type { OnApplicationBootstrap } from '@nestjs/common';
import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { Slice } from '../../model/states/slice.js';
import type { HeldClaim } from '../../store/ledger/held-claim.js';
import type { CommandPersister } from '../../store/commands/command.persister.js';
import type { MailingRun } from '../run/mailing-run.js';
import type { ProfileRecorder } from '../recipients/profile.recorder.js';
import type { LostRuns } from '../execution/slice.runner.js';
import type { TemplateEmailPeriodicService } from '../servers/template-email-periodic.service.js';

/** Limit over all fenced runs. The oldest run is forgotten first, and its recipients stay in doubt. */
const MAX_RECIPIENTS = 100_000;
/** Answers are kept this long: a mailing that is canceled or paused may never settle the rest. */
const KEPT_MS = 3_600_000;

interface LostRun {
  slice: Slice;
  keptUntil: number;
  /** Recipients whose message the mail server accepted, and their profile ids. */
  sent: Map<number, string | undefined>;
}

/**
 * Settles recipients whose answers arrived, or could be written, only after their claim was lost, for example while the network separated this
 * process from the database for longer than a lease.
 *
 * A run that lost its claim writes nothing. Its process, once it is a member again, reports what it knows, as a person could: a recipient in doubt
 * whose message was accepted becomes `sent`. A refusal settles nothing, because this process does not know whether another attempt was made since.
 *
 * Cost: one transaction per heartbeat for each such run, until its recipients are settled.
 */
export class LateAnswersSweep implements OnApplicationBootstrap, LostRuns {
  readonly #lost = new Set<LostRun>();
  #numRecipients = 0;

  constructor(
    private readonly commands: CommandPersister,
    private readonly recorder: Pick<ProfileRecorder, 'noteMailed'>,
    private readonly periodic: TemplateEmailPeriodicService,
    private readonly events: MailingEvents,
  ) {}

  onApplicationBootstrap(): void {
    this.periodic.addTask(() => this.look());
  }

  /** Resolves when the run's last message has ended. */
  async note({ mailingId, batch }: HeldClaim, run: Pick<MailingRun, 'unrecorded'>): Promise<void> {
    const sent = (await run.unrecorded()).filter(({ status }) => status === 'sent');
    if (sent.length === 0) return;
    this.#lost.add({
      slice: { mailingId, batch },
      keptUntil: performance.now() + KEPT_MS,
      sent: new Map(sent.map(({ idx, contact }) => [idx, contact?.userId])),
    });
    this.#numRecipients += sent.length;
    for (const lost of this.#lost) {
      if (this.#numRecipients <= MAX_RECIPIENTS) return;
      this.#forget(lost);
    }
  }

  /** @throws Error the first failure, after all runs have been tried; the next heartbeat tries again. */
  async look(): Promise<void> {
    const failures: unknown[] = [];
    for (const lost of this.#lost)
      await this.#settle(lost).catch((error: unknown) => {
        // A run that fails must not block the others.
        failures.push(error);
      });
    if (failures.length > 0) throw failures[0];
  }

  async #settle(lost: LostRun): Promise<void> {
    const { slice, sent, keptUntil } = lost;
    const { settled, isOver } = await this.commands.settleAnsweredLate(slice, [...sent.keys()]);
    if (isOver || performance.now() > keptUntil) this.#forget(lost);
    if (settled.size === 0) return;
    this.events.emit('in-doubt:settled', { mailingId: slice.mailingId, numSent: settled.size });
    await this.recorder.noteMailed([...settled].flatMap((idx) => sent.get(idx) ?? []));
  }

  #forget(lost: LostRun): void {
    if (this.#lost.delete(lost)) this.#numRecipients -= lost.sent.size;
  }
}
