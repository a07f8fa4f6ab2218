import { type EmailMessageSender, PROBE_TIMEOUT_MS } from '../../model/ports/email-message.sender.js';
import { askHost } from '../../model/host-calls/host-call.js';
import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { CommandPersister } from '../../store/commands/command.persister.js';
import type { MailingScope } from '../../store/commands/transport-paused.js';
import { BackOff } from '../pacing/back-off.js';
import type { ResumeHold } from '../execution/resume-hold.js';
import { reasonOf } from '../../model/values/public-text.js';

/** A deadline for a sender of the host that has none of its own; our senders have answered by then. */
const SILENT_AFTER_MS = PROBE_TIMEOUT_MS + 5_000;

const IDS_PER_STATEMENT = 1_000;

/** Lets mailings that were paused because the transport was down go on by themselves, once it answers again. */
export class TransportProbe {
  readonly #backOff = new BackOff();
  #isLooking = false;

  constructor(
    private readonly uniqServerId: string,
    /** Whether it also probes for batched mailings, because this server can send them. */
    private readonly takesBatches: boolean,
    private readonly commands: CommandPersister,
    private readonly sender: EmailMessageSender,
    private readonly stop: AbortSignal,
    private readonly hold: ResumeHold,
    private readonly events: MailingEvents,
  ) {}

  /**
   * Probes the transport if a mailing waits for it, with growing delays (1 s to 5 min) as long as one does. Never rejects.
   *
   * @returns how many mailings may go on.
   */
  async look(): Promise<number> {
    if (this.#isLooking || this.#backOff.remainingMs() > 0) return 0;
    this.#isLooking = true;
    try {
      return await this.#look();
    } catch (error) {
      this.#report(error);
      return 0;
    } finally {
      this.#isLooking = false;
    }
  }

  async #look(): Promise<number> {
    const waiting = await this.#waiting();
    if (waiting.length === 0) {
      this.#backOff.succeed();
      return 0;
    }
    // Not `run.hostCallTimeoutMs`: that bounds functions of the host, and may be shorter than the greeting of a mail server.
    const call = 'EmailMessageSender.probe';
    const terms = { call, timeoutMs: SILENT_AFTER_MS, option: null, stop: this.stop };
    const why = await askHost(terms, () => this.sender.probe()).catch((error: unknown) => {
      // A sender of the host that can't be asked would leave the mailings paused without a word.
      if (!this.stop.aborted) this.#report(error);
      return reasonOf(error);
    });
    // The database may be closed already; nothing is changed after a stop.
    if (this.stop.aborted) return 0;
    // Back off also after a good answer: a server that greets and then accepts nothing would resume and pause mailings in quick turns.
    this.#backOff.fail();
    if (why !== null) return 0;
    let numResumed = 0;
    for (const scope of waiting) numResumed += await this.commands.resumeTransportPaused(scope);
    if (numResumed > 0) this.events.emit('transport:recovered', { numResumed });
    return numResumed;
  }

  #report(error: unknown): void {
    this.events.emit('server:error', { uniqServerId: this.uniqServerId, step: 'transport probe', error });
  }

  async #waiting(): Promise<MailingScope[]> {
    const waiting: MailingScope[] = [];
    for (const scope of this.#asked()) if (await this.commands.hasTransportPaused(scope)) waiting.push(scope);
    return waiting;
  }

  #asked(): MailingScope[] {
    const { admitted, isWaiting } = this.hold;
    if (isWaiting) {
      const asked: MailingScope[] = [];
      for (let first = 0; first < admitted.length; first += IDS_PER_STATEMENT)
        asked.push({ mailingIds: admitted.slice(first, first + IDS_PER_STATEMENT) });
      return asked;
    }
    const own: MailingScope = { uniqServerId: this.uniqServerId };
    return this.takesBatches ? [own, 'batched'] : [own];
  }
}
