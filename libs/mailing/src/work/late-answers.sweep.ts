import type { OnApplicationBootstrap } from '@nestjs/common';
import type { MailingEvents } from '../model/mailing-event.js';
import type { Outcome } from '../model/outcome.js';
import type { HeldClaim } from '../store/held-claim.js';
import type { StandingOrders } from '../store/standing-orders.js';
import type { MailingRun } from './mailing-run.js';
import type { ProfileRecorder } from './profile.recorder.js';
import type { TemplateEmailPeriodicService } from './template-email-periodic.service.js';

/** Each has at most `maxInDoubt` recipients. The oldest is forgotten first, and its recipients stay in doubt. */
const MAX_LOST_RUNS = 1_000;

interface LostRun {
  claim: HeldClaim;
  /** Of recipients whose message the mail server took. */
  sent: Outcome[];
}

/**
 * Settles recipients whose answers came, or could be written, only after their claim was lost, as in a process that the network cut off from
 * the database for longer than a lease.
 *
 * The run that lost its claim writes nothing. Its process, once it is a member again, reports what it knows, as a person could: a recipient in
 * doubt whose message was taken is sent. A refusal settles nothing: whether another attempt was made since is not known here.
 *
 * One statement for each lost run after a heartbeat, until its slice is recovered.
 */
export class LateAnswersSweep implements OnApplicationBootstrap {
  readonly #lost = new Set<LostRun>();

  constructor(
    private readonly orders: StandingOrders,
    private readonly recorder: Pick<ProfileRecorder, 'note'>,
    private readonly periodic: TemplateEmailPeriodicService,
    private readonly events: MailingEvents,
  ) {}

  onApplicationBootstrap(): void {
    this.periodic.addDuty(() => this.look());
  }

  /** Resolves when the last message of the run is over. */
  async note(claim: HeldClaim, run: Pick<MailingRun, 'unrecorded'>): Promise<void> {
    const sent = (await run.unrecorded()).filter(({ status }) => status === 'sent');
    if (sent.length === 0) return;
    this.#lost.add({ claim, sent });
    const [oldest] = this.#lost;
    if (this.#lost.size > MAX_LOST_RUNS) this.#lost.delete(oldest);
  }

  /** @throws what the database throws; the next look tries again. */
  async look(): Promise<void> {
    for (const lost of this.#lost) {
      const { claim, sent } = lost;
      const indexes = sent.map(({ idx }) => idx);
      const settled = await this.orders.settleAnsweredLate(claim, indexes);
      if (settled === null) continue;
      this.#lost.delete(lost);
      if (settled.size === 0) continue;
      this.events.emit('doubt:settled', { mailingId: claim.mailingId, numSent: settled.size });
      await this.recorder.note(sent.filter(({ idx }) => settled.has(idx)));
    }
  }
}
