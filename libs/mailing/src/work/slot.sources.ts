import type { SlotContents, SlotSource } from '../delivery/slot.source.js';
import type { SlotFilling } from '../model/slot-filling.js';
import type { SlotPersister } from '../store/slot.persister.js';
import { EVERYBODY } from '../store/statements/read-slots.js';

type ByUser = Map<string, Record<string, unknown>>;

/** Contents of a persisted mailing: those of a beat's profiles in one statement, those of everybody once for each run. */
export class KeptSlots implements SlotSource {
  #forAll: SlotContents | null = null;

  constructor(
    private readonly persister: SlotPersister,
    private readonly mailingId: string,
  ) {}

  async contentsOf(userIds: string[]): Promise<(userId: string | undefined) => SlotContents> {
    const asked = this.#forAll === null ? [EVERYBODY, ...userIds] : userIds;
    const byUser: ByUser = new Map();
    const kept = asked.length === 0 ? [] : await this.persister.read(this.mailingId, asked);
    for (const { slot, userId, content } of kept) put(byUser, userId, slot, content);
    const forAll = (this.#forAll ??= byUser.get(EVERYBODY) ?? {});
    return (userId) => seenBy(userId, byUser, forAll);
  }
}

/** Contents of a mailing that is not persisted, all in memory. */
export class HeldSlots implements SlotSource {
  #byUser: Promise<ByUser> | null = null;

  constructor(private readonly filling: SlotFilling) {}

  async contentsOf(): Promise<(userId: string | undefined) => SlotContents> {
    const byUser = await (this.#byUser ??= this.#read());
    const { forAll } = this.filling;
    return (userId) => seenBy(userId, byUser, forAll);
  }

  async #read(): Promise<ByUser> {
    const byUser: ByUser = new Map();
    for await (const { slot, userId, content } of this.filling.forProfiles()) {
      if (!Object.hasOwn(byUser.get(userId) ?? {}, slot)) put(byUser, userId, slot, content);
    }
    return byUser;
  }
}

function put(byUser: ByUser, userId: string, slot: string, content: unknown): void {
  const own = byUser.get(userId);
  if (own) own[slot] = content;
  else byUser.set(userId, { [slot]: content });
}

function seenBy(userId: string | undefined, byUser: ByUser, forAll: SlotContents): SlotContents {
  const own = userId === undefined ? undefined : byUser.get(userId);
  return own ? { ...forAll, ...own } : forAll;
}
