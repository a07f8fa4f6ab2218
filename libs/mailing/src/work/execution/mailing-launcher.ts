import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { MailingResult } from '../../model/reports/mailing-handle.js';
import { topReasons } from '../../model/reports/top-reasons.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import { ENDED_STATUSES, PAUSE_REASONS } from '../../model/states/mailing-status.js';
import type { Recipients } from '../../model/mail/recipient.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type { MailingTemplate } from '../../model/ports/template.renderer.js';
import type { HeldClaim } from '../../store/ledger/held-claim.js';
import type { UnfinishedMailing } from '../../store/claims/find-unfinished.js';
import type { ClaimAcquirer } from '../claims/claim.acquirer.js';
import type { RunEnd } from '../run/mailing-run.parts.js';
import type { RegisteredSlot } from '../run/run.registry.js';
import { MemoryLedger } from '../run/memory.ledger.js';
import { type Counts, PROGRESS_MS, ProgressMeter } from './progress-meter.js';
import { ContentGone } from './content.opener.js';
import type { ExecutionParts } from './execution.parts.js';

export interface MailingLauncherParts extends ExecutionParts {
  settings: Pick<MailingSettings, 'addresses' | 'inDoubt' | 'run' | 'server'>;
  claims: ClaimAcquirer;
}

/** Claims mailings that one server sends, and sees each run to its end. */
export class MailingLauncher {
  readonly #followers = new Set<Promise<unknown>>();
  readonly #looks = new Set<AbortController>();

  constructor(private readonly parts: MailingLauncherParts) {}

  /** Works on a persisted mailing: claims it, or recovers it from a dead run. Resolves when this process has finished with it. */
  launch(mailing: UnfinishedMailing): Promise<MailingResult> {
    const { mailingId, status } = mailing;
    let rewound = false;
    const work = async (workerSlot: RegisteredSlot): Promise<MailingResult> => {
      let end = await this.#work(mailing, workerSlot);
      let result = await this.#result(mailingId);
      const wasRun = end !== null;
      // The mailing was released, or resumed at the very moment of its pause: it goes on at once.
      while (end !== null && result.status === 'pending' && !this.parts.runs.isStopping) {
        end = await this.#work({ mailingId, status: 'pending', claimToken: null }, workerSlot);
        result = await this.#result(mailingId);
      }
      rewound = end?.status === 'rewound';
      if (wasRun && !rewound) this.parts.events.emit('run:ended', result);
      return result;
    };
    // A requested pause or cancel needs no slot: nothing is sent for it.
    const isRequest = status === 'pausing' || status === 'canceling';
    const over = this.parts.runs.start(mailingId, work, isRequest ? 'at_once' : 'wait');
    // Another part restores the commits that the database has forgotten; then the mailing goes on here.
    return over.then((result) => (rewound && !this.parts.runs.isStopping ? this.follow(mailingId) : result));
  }

  /** Reports that a mailing has ended or paused without a run. */
  async tellEnded(mailingId: string): Promise<void> {
    this.parts.events.emit('run:ended', await this.#result(mailingId));
    await this.#tellWhyPaused(mailingId);
  }

  /** Resolves when no server works on the mailing any more, or this process stops. */
  follow(mailingId: string): Promise<MailingResult> {
    const following = this.#follow(mailingId);
    const noted = following.catch(() => undefined).finally(() => this.#followers.delete(noted));
    this.#followers.add(noted);
    return following;
  }

  /** After a stop: resolves when every `follow` has read its mailing a last time. */
  async idle(): Promise<void> {
    await Promise.all(this.#followers);
  }

  /** For a test: every `follow` reads its mailing now. */
  lookNow(): void {
    for (const wait of this.#looks) wait.abort();
  }

  async #nextLook(ms: number, stop: AbortSignal): Promise<void> {
    const wait = new AbortController();
    const end = (): void => wait.abort();
    stop.addEventListener('abort', end, { once: true });
    this.#looks.add(wait);
    await delay(ms, undefined, { signal: wait.signal }).catch(() => undefined);
    this.#looks.delete(wait);
    stop.removeEventListener('abort', end);
  }

  async #follow(mailingId: string): Promise<MailingResult> {
    const { runs, settings } = this.parts;
    let last: MailingResult | null = null;
    for (;;) {
      await runs.find(mailingId);
      const result: MailingResult = await this.#result(mailingId).catch((error: unknown) => {
        // The database may close right after the stop that ended our wait.
        if (runs.isStopping && last) return last;
        throw error;
      });
      last = result;
      // An overdue mailing waits for a person, as a paused one does.
      const isWaiting =
        result.status === 'paused' || (result.status === 'pending' && result.statusReason !== null);
      const isOver = isWaiting || ENDED_STATUSES.some((status) => status === result.status);
      if (isOver || runs.isStopping) return result;
      await this.#nextLook(settings.server.heartbeatIntervalMs, runs.stopSignal);
    }
  }

  /** Works on a mailing that is not persisted. */
  async launchUnpersisted(
    info: TemplateEmailInfo,
    template: MailingTemplate,
    recipients: Recipients,
  ): Promise<MailingResult> {
    const { runs, runner, events } = this.parts;
    const identity = randomUUID();
    return runs.start(identity, async (workerSlot) => {
      const { addresses, run: how } = this.parts.settings;
      const ledger = new MemoryLedger(recipients, addresses.keyOf, how.sourceTimeoutMs);
      const name = info.name ?? null;
      events.emit('run:started', { mailingId: null, name, numSettled: 0, numProfiles: null });
      const over = this.#reportUnpersisted(name, ledger);
      const { status: end } = await runner
        .executeUnpersisted(identity, ledger, info, template, workerSlot)
        .finally(over);
      const status = end === 'fenced' || end === 'stalled' || end === 'rewound' ? 'failed' : end;
      const result = { mailingId: null, status, ...countsOf(ledger) };
      events.emit('run:ended', result);
      const { failure: statusReason, reasons } = ledger;
      events.emit('mailing:summary', { ...result, name, reasons: topReasons(reasons) });
      return { ...result, statusReason };
    });
  }

  /** @returns a function that ends the reports. */
  #reportUnpersisted(name: string | null, ledger: MemoryLedger): () => void {
    const meter = new ProgressMeter(0);
    const report = (): void => {
      const counts = countsOf(ledger);
      const ratePerSecond = meter.look(counts)?.ratePerSecond ?? 0;
      // The length of the list is unknown.
      const facts = { mailingId: null, name, ...counts, ratePerSecond, remainingMs: null };
      this.parts.events.emit('mailing:progress', facts);
    };
    const timer = setInterval(report, PROGRESS_MS).unref();
    return () => clearInterval(timer);
  }

  /**
   * @returns null if no claim was made: this process begins nothing, another server was faster, the mailing is not due, is held or is deleted, or its
   * content is gone and no run had claimed it.
   */
  async #work(mailing: UnfinishedMailing, workerSlot: RegisteredSlot): Promise<RunEnd | null> {
    const { runs, persister, membership, claims, opener, runner, faultPoints } = this.parts;
    const { mailingId, status } = mailing;
    if (runs.isStopping || membership.incarnation === null) return null;
    const stored = await persister.readMailing(mailingId);
    if (!stored) return null;
    if (status === 'pausing' || status === 'canceling') {
      const claim = await claims.take(mailing, stored.info);
      return claim && runner.release(claim);
    }
    if (!this.parts.hold.mayBegin(mailingId)) return null;
    const opened = await opener.open(stored);
    if (opened instanceof ContentGone) return this.#park(mailing, stored.info, opened);
    const claim = await claims.take(mailing, stored.info);
    if (!claim) return null;
    this.#announceStart(claim, stored.info.name ?? null);
    const end = await runner.execute(claim, opened, workerSlot);
    if (end.status === 'completed') faultPoints.reach('afterCompleted');
    if (end.status === 'pending') faultPoints.reach('afterReleased');
    if (end.status === 'paused') await this.#tellWhyPaused(mailingId);
    return end;
  }

  /**
   * Pauses a mailing whose content is gone. Recipients that were in flight in a dead run are settled first.
   *
   * @returns null if no claim was made, or a command or another server was faster.
   */
  async #park(
    mailing: UnfinishedMailing,
    info: TemplateEmailInfo,
    gone: ContentGone,
  ): Promise<RunEnd | null> {
    const { claims, persister, runner, events } = this.parts;
    const { mailingId } = mailing;
    // A pending mailing has no run, so it need not be claimed.
    const claim = mailing.status === 'pending' ? null : await claims.take(mailing, info);
    if (claim) await runner.release(claim);
    if (!(await persister.pausePending(mailingId, gone.reason))) return null;
    events.emit('mailing:paused', { mailingId, name: info.name ?? null, reason: gone.reason });
    return claim && { status: 'paused', mailing: 'paused' };
  }

  /** Not emitted for pauses that a user requested. */
  async #tellWhyPaused(mailingId: string): Promise<void> {
    const { statusReason: reason } = await this.#result(mailingId);
    if (reason && reason !== PAUSE_REASONS.request)
      this.parts.events.emit('mailing:paused', { mailingId, reason });
  }

  #announceStart({ mailingId, numSettled, numProfiles, inFlight }: HeldClaim, name: string | null): void {
    const { events, settings } = this.parts;
    if (inFlight === null) {
      events.emit('run:started', { mailingId, name, numSettled, numProfiles });
      return;
    }
    const isResent = settings.inDoubt === 'resend';
    const facts = { mailingId, name, numSettled, numProfiles, numInDoubt: inFlight.numInFlight, isResent };
    events.emit('run:recovered', facts);
  }

  async #result(mailingId: string): Promise<MailingResult> {
    const result = await this.parts.reader.result(mailingId);
    if (!result)
      throw new Error(`The mailing ${mailingId} was removed from the database while it was being sent.`);
    return result;
  }
}

function countsOf({ counts, numProfiles }: MemoryLedger): Counts {
  const { num_sent: numSent, num_errors: numErrors, num_skipped: numSkipped } = counts;
  return { numSent, numErrors, numSkipped, numProfiles };
}
