import type { ProfileRecipient } from '../model/mail/recipient.js';
import { type ProfileSlotContents, SlotFilling } from '../model/mail/slot-filling.js';
import type { SlotOptions, SlotRegistry } from './intake/slot.registry.js';

/**
 * Slots: named places of templates whose content is given with each mailing, for all recipients or for single profiles.
 *
 * @example
 * ```ts
 * constructor(slots: SlotService) {
 *   slots.define('promotion', { persistent: true });
 * }
 * ```
 */
export class SlotService {
  constructor(private readonly registry: SlotRegistry) {}

  /**
   * Defines a slot, once and before the first mailing that shows it; harmless when repeated.
   *
   * @throws SlotDefinitionError if the name is not a valid one, `persistent` is neither true nor false, or the slot is defined differently already.
   */
  define(slot: string, options: SlotOptions): this {
    this.registry.define(slot, options);
    return this;
  }

  /**
   * Starts a filling with content for all recipients; pass it to a mailing as `info.slots`.
   *
   * @throws SlotUnknownError if the slot is not defined.
   *
   * @example
   * ```ts
   * const filling = slots.fill('promotion', [{ title: 'Half price' }]).fillFor('c-17', 'promotion', [{ title: 'Free' }]);
   * ```
   */
  fill(slot: string, content: unknown): SlotFilling {
    this.registry.assertKnown(slot);
    return new SlotFilling().fill(slot, content);
  }

  /**
   * Starts a filling with content for one profile.
   *
   * @throws SlotUnknownError if the slot is not defined; InvalidArgumentError if `userId` can't be a profile id.
   */
  fillFor(userId: ProfileRecipient['userId'], slot: string, content: unknown): SlotFilling {
    this.registry.assertKnown(slot);
    return new SlotFilling().fillFor(userId, slot, content);
  }

  /**
   * Starts a filling with content for many profiles, from any iterable or async iterable, in constant memory.
   *
   * @throws SlotUnknownError if the slot is not defined; InvalidArgumentError if `contents` is not iterable.
   *
   * @example
   * ```ts
   * async function* coupons() {
   *   for (let n = 0; n < 1_000_000; n++) yield { userId: `c-${n}`, content: { coupon: `SUMMER-${n}` } };
   * }
   * const filling = slots.fillEach('coupon', coupons());
   * ```
   */
  fillEach(slot: string, contents: ProfileSlotContents): SlotFilling {
    this.registry.assertKnown(slot);
    return new SlotFilling().fillEach(slot, contents);
  }
}
