import { isDrawnBy } from '../../model/states/claim-token.js';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultPoints } from '../../model/ports/fault-points.js';
import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { MailingHandle, MailingResult } from '../../model/reports/mailing-handle.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { ProfileRepository } from '../../model/ports/profile.repository.js';
import type { Recipients } from '../../model/mail/recipient.js';
import {
  RecipientListError,
  ServerStandbyError,
  ServerShuttingDownError,
  TemplateEmailRequestError,
} from '../../model/errors/request.errors.js';
import { heldFilling, type SlotFilling, toFilling } from '../../model/mail/slot-filling.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type { TemplateContent } from '../../model/ports/template.renderer.js';
import type { KnownMailing } from '../../store/queries/read-results.js';
import type { MailingReader } from '../../store/queries/mailing.reader.js';
import type { SlotPersister } from '../../store/intake/slot.persister.js';
import type { TemplateEmailBatchServerPersister } from '../../store/servers/template-email-batch-server.persister.js';
import type { MailingTerms } from '../../model/ports/mailing.persister.js';
import { BackOff } from '../pacing/back-off.js';
import type { ActiveDispatcher } from '../execution/active.dispatcher.js';
import type { MailingLauncher } from '../execution/mailing-launcher.js';
import {
  ListTakenAwayError,
  type ListPersister,
  RecipientListWriter,
  type WrittenList,
} from './recipient-list.writer.js';
import type { ResumeHold } from '../execution/resume-hold.js';
import type { ServerMembership } from '../servers/server-membership.js';
import { SlotWriter } from './slot.writer.js';
import type { SourceWatches } from './source-watches.js';
import { endsWithin } from '../../model/values/deadline.js';
import { reasonOf } from '../../model/values/public-text.js';

/** How often a caller checks whether the list of another caller with the same key is complete. */
const KEY_POLL_MS = 100;

export interface MailingIntakeParts {
  settings: Pick<MailingSettings, 'addresses' | 'server' | 'uniqServerId'>;
  persister: ListPersister;
  slots: SlotPersister;
  reader: MailingReader;
  servers: TemplateEmailBatchServerPersister;
  membership: ServerMembership;
  launcher: MailingLauncher;
  dispatcher: ActiveDispatcher;
  hold: ResumeHold;
  profiles: () => ProfileRepository | null;
  sources: SourceWatches;
  events: MailingEvents;
  faultPoints: FaultPoints;
}

/** What is written while a mailing is `loading`. */
interface ListContent {
  name: string | null;
  recipients: Recipients;
  slots: SlotFilling;
}

/**
 * Writes mailings to the database, each once.
 *
 * The unique index of the idempotency key decides, so two simultaneous callers, in one process or on two servers, get one mailing. The second caller
 * waits until the first one's list is complete. If the writer of that list died or failed, the key moves to a new mailing, and the failed one stays
 * as a record.
 */
export class MailingIntake {
  readonly #stop = new AbortController();
  #numUnanswered = 0;
  /** Claim tokens of the lists that this process is writing; added before their rows are visible. */
  readonly #writing = new Map<string, Promise<unknown>>();

  constructor(private readonly parts: MailingIntakeParts) {
    // Ends the source of a canceled mailing: a silent source would keep the list, and its caller, waiting for ever.
    parts.events.on('mailing:command', ({ mailingId, command }) => {
      if (command === 'cancel') parts.sources.endOf(mailingId, new ListTakenAwayError());
    });
  }

  get isStopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Requests to send that have no answer yet. */
  get numUnanswered(): number {
    return this.#numUnanswered;
  }

  /** Counts a request to send until it is answered. */
  async counted<T>(request: () => Promise<T>): Promise<T> {
    this.#numUnanswered++;
    try {
      return await request();
    } finally {
      this.#numUnanswered--;
    }
  }

  /**
   * Finds the mailing of a key if its list is complete. That is the usual repeat, which needs no check of the request; in all other cases `accept`
   * decides.
   */
  async findRepeat({ idempotencyKey }: MailingTerms): Promise<MailingHandle | null> {
    const known = idempotencyKey === null ? null : await this.parts.reader.findByKey(idempotencyKey);
    return known && known.status !== 'failed' && known.status !== 'loading' ? this.#repeatOf(known) : null;
  }

  /** Resolves once the list is complete, here or on the server where the key was used first. */
  async accept(
    info: TemplateEmailInfo,
    recipients: Recipients,
    terms: MailingTerms,
    content: TemplateContent,
  ): Promise<MailingHandle> {
    const { settings, persister, membership } = this.parts;
    for (;;) {
      if (this.isStopping) throw new ServerShuttingDownError(settings.uniqServerId);
      const known = await this.#findKnown(terms);
      if (known === 'again') continue;
      if (known) return known;
      // The stop may have come during the check of the key. A heartbeat now would register this process again.
      if (this.isStopping) throw new ServerShuttingDownError(settings.uniqServerId);
      if (!membership.incarnation) await membership.heartbeat();
      if (!membership.incarnation) throw new ServerStandbyError(settings.uniqServerId, membership.other);
      const claimToken = membership.nextClaimToken();
      const creating = persister.createMailing(
        info,
        settings.uniqServerId,
        claimToken,
        terms,
        keptOf(content),
        null,
      );
      this.#writing.set(claimToken, creating);
      try {
        const mailingId = await creating;
        if (mailingId !== null) this.parts.hold.admit(mailingId);
        // Null: another caller has used the key since our check.
        if (mailingId !== null)
          return await this.#write(
            mailingId,
            claimToken,
            { name: info.name ?? null, recipients, slots: toFilling(info.slots) },
            terms,
          );
      } finally {
        this.#writing.delete(claimToken);
      }
    }
  }

  /**
   * Reads the slot contents of a mailing that is not persisted.
   *
   * @throws ServerShuttingDownError if the process ends before the source does; errors of `heldFilling`.
   */
  holdSlots(slots: SlotFilling): Promise<SlotFilling> {
    return this.parts.sources.during({ mailingId: null }, (watch) => heldFilling(slots, watch));
  }

  /**
   * Accepts no new mailing and ends the lists that are being written, whatever their sources do; their mailings become `failed`. A mailing that can't
   * be marked within `shutdownTimeoutMs` is marked `failed` by the next start.
   */
  async stop(): Promise<void> {
    const { uniqServerId, server } = this.parts.settings;
    this.#stop.abort(new ServerShuttingDownError(uniqServerId));
    this.parts.sources.end(this.#stop.signal.reason);
    if (this.#writing.size === 0) return;
    await endsWithin(Promise.allSettled(this.#writing.values()), server.shutdownTimeoutMs);
  }

  async #write(
    mailingId: string,
    claimToken: string,
    content: ListContent,
    { sendAt, batchSize }: MailingTerms,
  ): Promise<MailingHandle> {
    const { faultPoints, events } = this.parts;
    const writing = this.#writeList(mailingId, claimToken, content, batchSize);
    this.#writing.set(claimToken, writing);
    faultPoints.reach('afterMailingCreated');
    const list = await writing;
    const { numProfiles, numDuplicates, numInvalid, isBatched } = list;
    const { name } = content;
    events.emit('list:written', { mailingId, name, numProfiles, numDuplicates, numInvalid });
    const completed = this.begin(mailingId, isBatched, sendAt !== null);
    completed.catch(() => undefined);
    return { mailingId, numProfiles, numDuplicates, isRepeat: false, completed };
  }

  /** Begins a mailing whose list is complete: this server sends it, or the servers that claim its batches. */
  async begin(mailingId: string, isBatched: boolean, isScheduled: boolean): Promise<MailingResult> {
    const { launcher, dispatcher } = this.parts;
    if (isBatched) {
      dispatcher.announce();
      return launcher.follow(mailingId);
    }
    const result = await launcher.launch({ mailingId, status: 'pending', claimToken: null });
    return isScheduled ? launcher.follow(mailingId) : result;
  }

  /** Resolves when no server works on the mailing any more, or this process stops. */
  follow(mailingId: string): Promise<MailingResult> {
    return this.parts.launcher.follow(mailingId);
  }

  async #writeList(
    mailingId: string,
    claimToken: string,
    { recipients, slots }: ListContent,
    batchSize: number | null,
  ): Promise<WrittenList> {
    const { settings, persister, profiles, sources, faultPoints, events } = this.parts;
    const { keyOf } = settings.addresses;
    const how = { hasProfiles: profiles() !== null, batchSize, keyOf, transaction: null };
    const writer = new RecipientListWriter(persister, mailingId, claimToken, how, faultPoints);
    try {
      return await sources.during({ mailingId }, async (watch) => {
        await new SlotWriter(this.parts.slots, mailingId, claimToken).write(slots, watch);
        return writer.write(recipients, watch);
      });
    } catch (error) {
      const reason = `list incomplete: ${reasonOf(error)}`;
      // Only the answer to the last commit was lost: the list is complete, and will be sent.
      if ((await this.#fail(mailingId, claimToken, reason)) === 'complete') return writer.list;
      events.emit('list:failed', { mailingId, reason });
      throw error instanceof TemplateEmailRequestError ? error : new RecipientListError(mailingId, error);
    }
  }

  /** Marks the mailing `failed`. If the database has failed, this goes on in the background for as long as it takes. */
  async #fail(mailingId: string, claimToken: string, reason: string): Promise<'failed' | 'complete'> {
    const { persister, reader } = this.parts;
    try {
      if (await persister.failList(mailingId, claimToken, reason)) return 'failed';
      const { status } = (await reader.result(mailingId)) ?? { status: 'failed' };
      return status === 'failed' || status === 'canceled' ? 'failed' : 'complete';
    } catch {
      void this.#failLater(mailingId, claimToken, reason);
      return 'failed';
    }
  }

  /** Ends with the process: the next start finds a list without a live writer. */
  async #failLater(mailingId: string, claimToken: string, reason: string): Promise<void> {
    const backOff = new BackOff();
    while (!this.isStopping) {
      const wait = { ref: false, signal: this.#stop.signal };
      await delay(backOff.fail(), undefined, wait).catch(() => undefined);
      const done = await this.parts.persister.failList(mailingId, claimToken, reason).then(
        () => true,
        () => false,
      );
      if (done) return;
    }
  }

  /** @returns null if the key is free, `again` if something has changed or a wait is over. */
  async #findKnown({ idempotencyKey }: MailingTerms): Promise<MailingHandle | 'again' | null> {
    const { reader, persister } = this.parts;
    const known = idempotencyKey === null ? null : await reader.findByKey(idempotencyKey);
    if (!known) return null;
    const { mailingId, status, claimToken } = known;
    if (status === 'failed') {
      await persister.releaseKey(mailingId);
      return 'again';
    }
    if (status === 'loading') {
      if (claimToken !== null && !(await this.#isBeingWritten(known))) {
        await persister.failList(mailingId, claimToken, 'list incomplete');
      } else {
        await delay(KEY_POLL_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      }
      return 'again';
    }
    return this.#repeatOf(known);
  }

  #repeatOf({ mailingId, numProfiles }: KnownMailing): MailingHandle {
    const completed = this.follow(mailingId);
    completed.catch(() => undefined);
    return { mailingId, numProfiles, numDuplicates: null, isRepeat: true, completed };
  }

  async #isBeingWritten({ uniqServerId, claimToken }: KnownMailing): Promise<boolean> {
    const { membership, servers } = this.parts;
    if (claimToken === null) return false;
    if (membership.isMine(claimToken)) return this.#writing.has(claimToken);
    const writer = await servers.find(uniqServerId);
    if (!writer || !isDrawnBy(claimToken, writer.incarnation)) return false;
    return !writer.isExpired && !membership.isKnownDead(writer);
  }
}

/** @returns null if the renderer gave no content to store; then each run reads the templates anew. */
export function keptOf(content: TemplateContent): TemplateContent | null {
  return Object.keys(content).length === 0 ? null : content;
}
