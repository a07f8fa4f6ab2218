import { type EmailMessageSender, PROBE_TIMEOUT_MS } from '../../model/ports/email-message.sender.js';
import type { NamedSenders } from '../../delivery/transport/named.senders.js';
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
  #looking: Promise<number> | null = null;

  constructor(
    private readonly uniqServerId: string,
    /** Whether it also probes for batched mailings, because this server can send them. */
    private readonly takesBatches: boolean,
    private readonly commands: CommandPersister,
    private readonly senders: Pick<NamedSenders, 'of'>,
    private readonly stop: AbortSignal,
    private readonly hold: ResumeHold,
    private readonly events: MailingEvents,
  ) {}

  /**
   * Probes each transport that a mailing waits for, with growing delays (1 s to 5 min) as long as one does. Calls at the same moment share one probe.
   * Never rejects.
   *
   * @returns how many mailings may go on.
   */
  look(): Promise<number> {
    this.#looking ??= this.#lookIfDue().finally(() => (this.#looking = null));
    return this.#looking;
  }

  async #lookIfDue(): Promise<number> {
    if (this.#backOff.remainingMs() > 0) return 0;
    try {
      return await this.#look();
    } catch (error) {
      this.#report(error);
      return 0;
    }
  }

  /** For a test: the next probe is due that much sooner. */
  passTime(ms: number): void {
    this.#backOff.passTime(ms);
  }

  async #look(): Promise<number> {
    const waiting = await this.#waiting();
    if (waiting.size === 0) {
      this.#backOff.succeed();
      return 0;
    }
    // Side by side: a transport that does not answer delays no other.
    const resumed = await Promise.all(
      [...waiting].map(([transporterName, scopes]) => this.#probe(transporterName, scopes)),
    );
    // Back off also after a good answer: a server that greets and then accepts nothing would resume and pause mailings in quick turns.
    this.#backOff.fail();
    const numResumed = resumed.reduce((sum, number) => sum + number, 0);
    if (numResumed > 0) this.events.emit('transport:recovered', { numResumed });
    return numResumed;
  }

  /** @returns how many mailings of this transport may go on. */
  async #probe(transporterName: string | null, scopes: MailingScope[]): Promise<number> {
    const sender = this.#senderOf(transporterName);
    if (!sender) return 0;
    // Not `run.hostCallTimeoutMs`: that bounds functions of the host, and may be shorter than the greeting of a mail server.
    const call = 'EmailMessageSender.probe';
    const terms = { call, timeoutMs: SILENT_AFTER_MS, option: null, stop: this.stop };
    const why = await askHost(terms, () => sender.probe()).catch((error: unknown) => {
      // A sender of the host that can't be asked would leave the mailings paused without a word.
      if (!this.stop.aborted) this.#report(error);
      return reasonOf(error);
    });
    let numResumed = 0;
    // The database may be closed already; nothing is changed after a stop.
    if (this.stop.aborted || why !== null) return numResumed;
    for (const scope of scopes)
      numResumed += await this.commands.resumeTransportPaused(scope, transporterName);
    return numResumed;
  }

  /** Null for a transport that the mailer does not have any more: the reason of the mailing says so. */
  #senderOf(transporterName: string | null): EmailMessageSender | null {
    try {
      return this.senders.of(transporterName);
    } catch {
      return null;
    }
  }

  #report(error: unknown): void {
    this.events.emit('server:error', { uniqServerId: this.uniqServerId, step: 'transport probe', error });
  }

  /** Mailings that wait, by their transport. */
  async #waiting(): Promise<Map<string | null, MailingScope[]>> {
    const waiting = new Map<string | null, MailingScope[]>();
    for (const scope of this.#asked()) {
      for (const name of await this.commands.findPausedTransports(scope))
        waiting.set(name, [...(waiting.get(name) ?? []), scope]);
    }
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
