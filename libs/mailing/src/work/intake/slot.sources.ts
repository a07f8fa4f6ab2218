import type { SlotContents, SlotSource } from '../../delivery/recipients/slot.source.js';
import { RefusedContent, storableOf } from '../../model/mail/refused-content.js';
import type { SlotFilling } from '../../model/mail/slot-filling.js';
import { REFUSALS_SLOT, type SlotPersister } from '../../store/intake/slot.persister.js';
import type { SlotRegistry } from './slot.registry.js';
import { ALL_PROFILES } from '../../store/contents/read-slots.js';

type ByUser = Map<string, Record<string, unknown>>;
type SeenBy = (userId: string | undefined) => SlotContents | RefusedContent;

/**
 * Slot contents of a persisted mailing. One statement reads those of a commit's profiles; those for all recipients are read once per run. A second
 * statement reads marks that are stored under a hash, which exist only if the database refused a profile's id.
 */
export class StoredSlots implements SlotSource {
  #forAll: SlotContents | null = null;

  constructor(
    private readonly persister: SlotPersister,
    private readonly mailingId: string,
  ) {}

  async contentsOf(userIds: string[]): Promise<SeenBy> {
    const asked = this.#forAll === null ? [ALL_PROFILES, ...userIds] : userIds;
    const byUser: ByUser = new Map();
    const kept = asked.length === 0 ? [] : await this.persister.read(this.mailingId, asked);
    for (const { slot, userId, content } of kept) put(byUser, userId, slot, content);
    const forAll = (this.#forAll ??= byUser.get(ALL_PROFILES) ?? {});
    if (REFUSALS_SLOT in forAll && userIds.length > 0) {
      const refusals = await this.persister.readRefusals(this.mailingId, userIds);
      for (const { userId, content } of refusals) put(byUser, userId, REFUSALS_SLOT, content);
    }
    return (userId) => seenBy(userId, byUser, forAll);
  }
}

/**
 * Slot contents of a mailing that is not persisted, all in memory. Contents of persistent slots become plain data here too, so that a preview shows
 * what a persisted mailing would send.
 */
export class MemorySlots implements SlotSource {
  #byUser: Promise<ByUser> | null = null;

  constructor(
    private readonly filling: SlotFilling,
    private readonly registry: Pick<SlotRegistry, 'isPersistent'>,
  ) {}

  async contentsOf(): Promise<SeenBy> {
    const byUser = await (this.#byUser ??= this.#read());
    const { forAll } = this.filling;
    return (userId) => seenBy(userId, byUser, forAll);
  }

  async #read(): Promise<ByUser> {
    const byUser: ByUser = new Map();
    for await (const { slot, userId, content } of this.filling.forProfiles()) {
      if (Object.hasOwn(byUser.get(userId) ?? {}, slot)) continue;
      put(byUser, userId, slot, this.registry.isPersistent(slot) ? storableOf(slot, content) : content);
    }
    return byUser;
  }
}

function put(byUser: ByUser, userId: string, slot: string, content: unknown): void {
  const own = byUser.get(userId);
  if (own) own[slot] = content;
  else byUser.set(userId, { [slot]: content });
}

function seenBy(
  userId: string | undefined,
  byUser: ByUser,
  forAll: SlotContents,
): SlotContents | RefusedContent {
  const own = userId === undefined ? undefined : byUser.get(userId);
  if (!own) return forAll;
  return Object.values(own).find((content) => RefusedContent.is(content)) ?? { ...forAll, ...own };
}
