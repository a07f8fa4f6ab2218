import { LONGEST_USER_ID, toUserId } from './listed-recipient.js';
import type { ProfileRecipient } from './recipient.js';
import { InvalidFieldError } from './refusal.errors.js';
import { beginReading } from './source-reading.js';

/** What one profile sees in a slot; its id as in lists of recipients. */
export interface ProfileSlotContent extends ProfileRecipient {
  content: unknown;
}

/** Everything that yields contents one by one: an array, a generator, a database cursor. */
export type ProfileSlotContents = Iterable<ProfileSlotContent> | AsyncIterable<ProfileSlotContent>;

/** One content on its way to where it is kept. */
export interface FilledSlot {
  slot: string;
  userId: string;
  content: unknown;
}

/**
 * What the slots of one mailing show: content for everybody, and content for single profiles, which wins over it. Where a
 * profile is given twice for one slot, the first content counts.
 *
 * An array is shown item by item, anything else as a whole; null, undefined, false, an empty text and an empty array are an
 * empty slot.
 *
 * @example
 * ```ts
 * const filling = new SlotFilling()
 *   .fill('promotion', [{ title: 'Half price', url: 'https://shop.example/half' }])
 *   .fillFor('c-17', 'promotion', [{ title: 'Only for you', url: 'https://shop.example/c-17' }]);
 * await sender.sendEmailMessage(
 *   { templateUrl: 'letter.hbs', subject: 'News', from: 'news@shop.example', slots: filling },
 *   [{ userId: 'c-17' }, { userId: 'c-18' }],
 *   { persist: true },
 * );
 * ```
 */
export class SlotFilling {
  readonly #forAll = new Map<string, unknown>();
  readonly #forProfiles: { slot: string; contents: ProfileSlotContents }[] = [];

  /** What everybody sees who has no content of his own. */
  fill(slot: string, content: unknown): this {
    this.#forAll.set(slot, content);
    return this;
  }

  /** What one profile sees. */
  fillFor(userId: ProfileRecipient['userId'], slot: string, content: unknown): this {
    return this.fillEach(slot, [{ userId, content }]);
  }

  /** What each of these profiles sees; read once, while the mailing is written down, and never held as a whole. */
  fillEach(slot: string, contents: ProfileSlotContents): this {
    this.#forProfiles.push({ slot, contents });
    return this;
  }

  /** Names of the slots, each once. */
  get slots(): string[] {
    return [...new Set([...this.#forAll.keys(), ...this.#forProfiles.map(({ slot }) => slot)])];
  }

  /** What everybody sees, by slot. */
  get forAll(): Record<string, unknown> {
    return Object.fromEntries(this.#forAll);
  }

  /**
   * What single profiles see, in the order in which it was given.
   *
   * @throws InvalidFieldError for what can be no id; SourceUsedUpError; whatever a source throws.
   */
  async *forProfiles(): AsyncGenerator<FilledSlot> {
    for (const { slot, contents } of this.#forProfiles) {
      for await (const { userId: given, content } of beginReading(contents, `slots.${slot}`)) {
        const userId = toUserId(given);
        const expected = `filled for ids of 1 to ${LONGEST_USER_ID} characters`;
        if (userId === null) throw new InvalidFieldError(`slots.${slot}`, expected, given);
        yield { slot, userId, content };
      }
    }
  }

  /**
   * The same with all its sources read. For the plugin itself.
   *
   * @throws InvalidFieldError for what can be no id; SourceUsedUpError; whatever a source throws.
   */
  async held(): Promise<SlotFilling> {
    const held = new SlotFilling();
    const bySlot = new Map<string, ProfileSlotContent[]>();
    for (const [slot, content] of this.#forAll) held.fill(slot, content);
    for await (const { slot, userId, content } of this.forProfiles()) {
      const contents = bySlot.get(slot);
      if (contents) contents.push({ userId, content });
      else bySlot.set(slot, [{ userId, content }]);
    }
    for (const [slot, contents] of bySlot) held.fillEach(slot, contents);
    return held;
  }

  /** The same for some of the slots, with what everybody sees copied by `copyOf`. */
  only(slots: readonly string[], copyOf: (content: unknown, slot: string) => unknown): SlotFilling {
    const copy = new SlotFilling();
    for (const [slot, content] of this.#forAll) {
      if (slots.includes(slot)) copy.fill(slot, copyOf(content, slot));
    }
    for (const { slot, contents } of this.#forProfiles) {
      if (slots.includes(slot)) copy.fillEach(slot, contents);
    }
    return copy;
  }
}

/** Content by slot, or a filling, as hosts may give it with a mailing. */
export type GivenSlots = Record<string, unknown> | SlotFilling;

/** One shape of both. */
export function toFilling(given: GivenSlots = {}): SlotFilling {
  if (given instanceof SlotFilling) return given;
  const filling = new SlotFilling();
  for (const [slot, content] of Object.entries(given)) filling.fill(slot, content);
  return filling;
}
