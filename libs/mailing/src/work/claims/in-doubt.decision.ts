import { MessageIdentity } from '../../delivery/mime/message-identity.js';
import type { FaultPoints } from '../../model/ports/fault-points.js';
import { askHost, HostAnswerError } from '../../model/host-calls/host-call.js';
import { kindOf } from '../../model/values/value-kind.js';
import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { InDoubtVerdict } from '../../model/options/in-doubt-policy.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type { HeldClaim } from '../../store/ledger/held-claim.js';
import type { DoubtfulRow } from '../../store/commands/read-doubtful.js';
import type { CommandPersister } from '../../store/commands/command.persister.js';
import type { RunRegistry } from '../run/run.registry.js';
import type { ProfileRecorder } from '../recipients/profile.recorder.js';

const CALL = 'inDoubt';
const VERDICTS: ReadonlySet<unknown> = new Set<InDoubtVerdict>(['sent', 'resend', 'leave']);

/** A bound for one statement. In practice fewer are in flight at a time; more than that would stay in doubt. */
const MAX_RETRIES_ASKED_ABOUT = 10_000;

type InDoubtSettings = Pick<MailingSettings, 'inDoubt'> & {
  run: Pick<MailingSettings['run'], 'hostCallTimeoutMs'>;
};

/**
 * Asks the host's resolver about the recipients that were in flight when a process crashed.
 *
 * Invariant: it is asked after they are recorded as in doubt, and before the first new message. So a resolver that fails, or a second crash during
 * the call, loses nothing: the doubt stays on record.
 */
export class InDoubtDecision {
  constructor(
    private readonly settings: InDoubtSettings,
    private readonly commands: CommandPersister,
    private readonly events: MailingEvents,
    private readonly faultPoints: FaultPoints,
    private readonly recorder: Pick<ProfileRecorder, 'noteMailed'>,
    private readonly runs: Pick<RunRegistry, 'stopSignal'>,
  ) {}

  /** Never rejects because of the resolver. */
  async resolve(claim: HeldClaim, info: TemplateEmailInfo): Promise<void> {
    const { mailingId, lowWaterIdx, highWaterIdx, inFlight } = claim;
    if (typeof this.settings.inDoubt !== 'function' || !inFlight || inFlight.numInFlight === 0) return;
    const rows = await this.commands.doubtful(claim, {
      fromIdx: lowWaterIdx,
      toIdx: highWaterIdx,
      retries: inFlight.retries.slice(0, MAX_RETRIES_ASKED_ABOUT),
    });
    const verdicts = await this.#ask(mailingId, rows, new MessageIdentity(mailingId, info.from));
    this.faultPoints.reach('afterResolverAsked');
    for (const verdict of ['sent', 'resend'] as const) {
      const meant = rows.filter((_, n) => verdicts[n] === verdict);
      const changed = await this.commands.resolve(claim, meant, verdict);
      if (verdict !== 'sent' || info.messageTo !== undefined) continue;
      const mailed = meant.flatMap(({ idx, userId }) =>
        userId !== null && changed.has(idx) ? [userId] : [],
      );
      await this.recorder.noteMailed(mailed);
    }
  }

  async #ask(mailingId: string, rows: DoubtfulRow[], identity: MessageIdentity): Promise<InDoubtVerdict[]> {
    const { inDoubt, run } = this.settings;
    if (typeof inDoubt !== 'function') return [];
    // The wait ends when this process begins no more work.
    const terms = { call: CALL, timeoutMs: run.hostCallTimeoutMs, stop: this.runs.stopSignal };
    const asked = rows.map(({ idx, email, userId }) => ({
      mailingId,
      idx,
      email,
      userId,
      messageId: identity.messageId(idx),
    }));
    try {
      const verdicts: unknown = await askHost(terms, () => inDoubt(asked));
      if (!Array.isArray(verdicts) || verdicts.length !== rows.length) {
        const got = Array.isArray(verdicts) ? `${verdicts.length}` : kindOf(verdicts);
        throw new HostAnswerError(CALL, `an array of ${rows.length} verdicts`, got);
      }
      const numUnknown = verdicts.filter((verdict: unknown) => !VERDICTS.has(verdict)).length;
      if (numUnknown > 0) {
        const error = new HostAnswerError(
          CALL,
          `each verdict to be ${[...VERDICTS].join(', ')}`,
          'another one',
        );
        this.events.emit('in-doubt:unresolved', { mailingId, numInDoubt: numUnknown, error });
      }
      return verdicts as InDoubtVerdict[];
    } catch (error) {
      this.events.emit('in-doubt:unresolved', { mailingId, numInDoubt: rows.length, error });
      return [];
    }
  }
}
