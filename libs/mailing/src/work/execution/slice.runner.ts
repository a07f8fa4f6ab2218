import type { NamedSenders } from '../../delivery/transport/named.senders.js';
import { MailingDelivery } from '../../delivery/mailing.delivery.js';
import { debugHeaders } from '../../delivery/mime/debug-headers.js';
import type { RecipientGate } from '../../delivery/recipients/recipient.gate.js';
import type { ParameterProcessing } from '../../delivery/recipients/parameter.processing.js';
import type { SlotSource } from '../../delivery/recipients/slot.source.js';
import type { MailingTemplate } from '../../model/ports/template.renderer.js';
import { HostMade } from '../../delivery/recipients/host-made.js';
import { UnsubscribeLinks } from '../../delivery/recipients/unsubscribe.links.js';
import type { FaultPoints } from '../../model/ports/fault-points.js';
import type { Ledger, Release } from '../../model/ports/ledger.js';
import type { MailingEvents, RunEndStatus } from '../../model/reports/mailing-event.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { ProfileRepository } from '../../model/ports/profile.repository.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type { HeldClaim } from '../../store/ledger/held-claim.js';
import type { MailingDatabase } from '../../store/database/mailing.database.js';
import { MailingLedger } from '../../store/ledger/mailing.ledger.js';
import type { FencedRuns } from '../claims/fenced.runs.js';
import { ErrorRateGuard } from '../run/error-rate.guard.js';
import type { JournalManager } from '../servers/journal.manager.js';
import { MailingRun } from '../run/mailing-run.js';
import type { MailingRunParts, RunEnd, WorkerSlot } from '../run/mailing-run.parts.js';
import type { RegisteredSlot } from '../run/run.registry.js';
import type { ProfileRecorder } from '../recipients/profile.recorder.js';
import type { OpenedMailing } from './content.opener.js';
import { RateLimiter } from '../pacing/rate-limiter.js';
import type { ServerMembership } from '../servers/server-membership.js';

export interface SliceRunnerParts {
  settings: Pick<
    MailingSettings,
    | 'debugHeaders'
    | 'attachments'
    | 'envelopeFrom'
    | 'recipientAttachments'
    | 'messageHeaders'
    | 'errorGuard'
    | 'inDoubt'
    | 'retry'
    | 'run'
    | 'uniqServerId'
    | 'unsubscribe'
  >;
  database: MailingDatabase;
  membership: ServerMembership;
  limiter: RateLimiter;
  journal: JournalManager;
  senders: NamedSenders;
  /** Known once the application is initialized. */
  profiles: () => ProfileRepository | null;
  gates: GatesOf;
  recorder: ProfileRecorder;
  slots: SlotsOf;
  processing: ProcessingOf;
  fencedRuns: Pick<FencedRuns, 'note'>;
  events: MailingEvents;
  faultPoints: FaultPoints;
}

/** The gates of one run, in the order in which they are asked. `mailingId` is null if the mailing is not persisted. */
export type GatesOf = (mailingId: string | null, info: TemplateEmailInfo) => RecipientGate[];

/** The slot contents of one run's recipients. `mailingId` is null if the mailing is not persisted. */
export type SlotsOf = (mailingId: string | null, info: TemplateEmailInfo) => SlotSource;

/** Null: the host gave no parameter processor. `mailingId` is null if the mailing is not persisted. */
export type ProcessingOf = (mailingId: string | null, info: TemplateEmailInfo) => ParameterProcessing | null;

/** A commit that writes no outcomes and marks no recipients. */
const QUIET = { outcomes: [], deferred: [], returned: [], capacity: 0, inFlight: 0 };

/** Works on claims: builds the run of each from its parts, and sees it to its end. */
export class SliceRunner {
  constructor(private readonly parts: SliceRunnerParts) {}

  /**
   * Works on a claim until it is released or lost. An error of the run is reported, and ends it as `fenced`.
   *
   * @param workerSlot registers the run, so that it can be stopped.
   * @param ratePerSecond the limit of this run alone, beside that of the process; null: no limit.
   */
  async execute(
    claim: HeldClaim,
    mailing: OpenedMailing,
    workerSlot: RegisteredSlot,
    ratePerSecond: number | null = null,
  ): Promise<RunEnd> {
    const { membership, database, journal, fencedRuns } = this.parts;
    const ledger = new MailingLedger(database, claim);
    const run = this.#runOf(claim, ledger, mailing, workerSlot, ratePerSecond);
    workerSlot.announce(run);
    // This process may have been declared dead while the claim was being committed; no later event would revoke the run.
    if (!membership.isMine(claim.claimToken)) run.revoke();
    database.commits.beginRun(claim);
    const orderly = await this.#untilEnd(claim.mailingId, run);
    const end = orderly ?? FENCED;
    if (end.status === 'fenced') void fencedRuns.note(claim, run, orderly && ledger);
    journal.end(claim.claimToken, !WITHOUT_RELEASE.includes(end.status));
    database.commits.endRun(claim, memoryEndOf(end.status));
    return end;
  }

  /**
   * Works on a mailing that is not persisted, until its list is through or the process stops.
   *
   * @param identity the base of the `Message-ID`s.
   */
  async executeUnpersisted(
    identity: string,
    ledger: Ledger,
    info: TemplateEmailInfo,
    template: MailingTemplate,
    workerSlot: RegisteredSlot,
  ): Promise<RunEnd> {
    const { settings, limiter } = this.parts;
    const run = new MailingRun({
      ...this.#common(identity, null, null, { info, template }),
      mailingId: null,
      ledger,
      guard: new ErrorRateGuard(settings.errorGuard),
      journal: null,
      limiter,
      mayStart: () => true,
      workerSlot,
    });
    workerSlot.announce(run);
    return (await this.#untilEnd(null, run)) ?? FENCED;
  }

  /** Releases a claim without sending anything; a command in the mailing's row is completed. */
  async release(claim: HeldClaim, release: Release = { kind: 'stop' }): Promise<RunEnd> {
    const answer = await new MailingLedger(this.parts.database, claim).commit({ ...QUIET, release });
    return answer.kind === 'ended' ? { status: answer.status, mailing: answer.mailing } : FENCED;
  }

  #runOf(
    claim: HeldClaim,
    ledger: MailingLedger,
    { info, template, numRecipients }: OpenedMailing,
    workerSlot: WorkerSlot,
    ratePerSecond: number | null,
  ): MailingRun {
    const { membership, settings, limiter } = this.parts;
    const isBatch = claim.batch !== null;
    // A batch that only waits is released: any server with a free worker can claim it when one of its recipients is due.
    const batchSlot = { leave: () => run.yieldSlot(), lend: () => undefined, retake: () => undefined };
    const run = new MailingRun({
      ...this.#common(claim.mailingId, claim.mailingId, claim.batch?.startIdx ?? null, { info, template }),
      mailingId: claim.mailingId,
      ledger,
      guard: new ErrorRateGuard(settings.errorGuard, { scores: claim.guardScores, numRecipients, isBatch }),
      journal: this.parts.journal.of(claim),
      limiter: ratePerSecond === null ? limiter : limiter.with(new RateLimiter(ratePerSecond)),
      // A claim is valid only for the incarnation that drew its token.
      mayStart: () => membership.lease.holds() && membership.isMine(claim.claimToken),
      workerSlot: isBatch ? batchSlot : workerSlot,
    });
    return run;
  }

  /** @returns null after an error of the run. */
  async #untilEnd(mailingId: string | null, run: MailingRun): Promise<RunEnd | null> {
    try {
      const end = await run.run();
      await this.parts.recorder.flush();
      return end;
    } catch (error) {
      // Whatever the error was: this slice will be recovered, so the run must begin nothing more.
      run.revoke();
      this.parts.events.emit('run:failed', { mailingId, error });
      return null;
    }
  }

  #common(
    identity: string,
    mailingId: string | null,
    startIdx: number | null,
    { info, template }: Pick<OpenedMailing, 'info' | 'template'>,
  ): Pick<
    MailingRunParts,
    'delivery' | 'options' | 'retry' | 'resendsDoubt' | 'recorder' | 'events' | 'faultPoints'
  > {
    const { senders, settings, profiles, recorder, faultPoints, events } = this.parts;
    const how = {
      sender: senders.of(info.transporterName),
      profiles: profiles(),
      fatigue: recorder.fatigue,
      gates: this.parts.gates(mailingId, info),
      links: UnsubscribeLinks.of(settings.unsubscribe, mailingId, info),
      hostMade: HostMade.of(settings, mailingId, info),
      slots: template.slots?.length ? this.parts.slots(mailingId, info) : null,
      processing: this.parts.processing(mailingId, info),
      debugHeaders: settings.debugHeaders ? debugHeaders(settings.uniqServerId, process.pid, startIdx) : {},
      messageTimeoutMs: settings.run.messageTimeoutMs,
      hostCallTimeoutMs: settings.run.hostCallTimeoutMs,
      faultPoints,
    };
    return {
      delivery: new MailingDelivery(identity, info, template, how),
      options: settings.run,
      retry: settings.retry,
      resendsDoubt: settings.inDoubt === 'resend',
      recorder,
      events,
      faultPoints,
    };
  }
}

/** Outcomes of a run that lost its claim are in no commit. */
function memoryEndOf(status: RunEndStatus): 'recorded' | 'rewound' | 'unrecorded' {
  if (status === 'fenced' || status === 'stalled') return 'unrecorded';
  return status === 'rewound' ? status : 'recorded';
}

/** Run ends after which recipients may still be marked under the claim. */
const WITHOUT_RELEASE: readonly RunEndStatus[] = ['fenced', 'stalled', 'rewound'];

const FENCED: RunEnd = { status: 'fenced', mailing: null };
