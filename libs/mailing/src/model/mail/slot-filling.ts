import { checkText } from '../errors/argument.check.js';
import type { AsyncContext } from '../host-calls/async-context.js';
import { InvalidArgumentError } from '../errors/argument.errors.js';
import { MAX_USER_ID, toUserId } from './listed-recipient.js';
import type { ProfileRecipient } from './recipient.js';
import { InvalidFieldError } from '../errors/request.errors.js';
import { RefusedContent } from './refused-content.js';
import { SlotContentError } from './slot.errors.js';
import type { SourceWatch } from '../host-calls/source-watch.js';
import { beginReading, isIterable, readIn } from '../host-calls/source-reading.js';
import { isPlainObject } from '../values/value-kind.js';

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
  /** As it was given; where reading it throws, something that has the profile skipped. */
  content: unknown;
}

/** Width of the column that holds a name. */
const MAX_SLOT_LENGTH = 100;
const EXPECTED_ID = `an id of 1 to ${MAX_USER_ID} characters, or a whole number`;

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

  /**
   * What a recipient sees that has no content of its own.
   *
   * @throws InvalidArgumentError if the slot has no name.
   */
  fill(slot: string, content: unknown): this {
    checkText('fill: slot', slot, MAX_SLOT_LENGTH);
    this.#forAll.set(slot, content);
    return this;
  }

  /**
   * What one profile sees.
   *
   * @throws InvalidArgumentError if the slot has no name, or the id can be none.
   */
  fillFor(userId: ProfileRecipient['userId'], slot: string, content: unknown): this {
    if (toUserId(userId) === null) throw new InvalidArgumentError('fillFor: userId', EXPECTED_ID, userId);
    return this.fillEach(slot, [{ userId, content }]);
  }

  /**
   * What each of these profiles sees; read once, while the mailing is written down, and never held as a whole. Content that can't be read,
   * or kept in a persistent slot, has its profile skipped.
   *
   * @throws InvalidArgumentError if the slot has no name, or the contents are no list.
   */
  fillEach(slot: string, contents: ProfileSlotContents): this {
    checkText('fillEach: slot', slot, MAX_SLOT_LENGTH);
    if (!isIterable(contents))
      throw new InvalidArgumentError('fillEach: contents', 'an iterable or an async iterable', contents);
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
   * @param watch ends the wait for a content. For the plugin itself.
   * @throws SlotContentError for what can be no id; SourceConsumedError; SourceProtocolError; whatever a source throws.
   */
  async *forProfiles(watch?: SourceWatch): AsyncGenerator<FilledSlot> {
    for (const { slot, contents } of this.#forProfiles) {
      for await (const one of beginReading(contents, `slots.${slot}`, watch)) yield filledBy(slot, one);
    }
  }

  /**
   * The same with all its sources read. For the plugin itself.
   *
   * @param watch ends the wait for a content.
   * @throws SlotContentError for what can be no id; SourceConsumedError; SourceProtocolError; whatever a source throws.
   */
  async held(watch?: SourceWatch): Promise<SlotFilling> {
    const held = new SlotFilling();
    const bySlot = new Map<string, ProfileSlotContent[]>();
    for (const [slot, content] of this.#forAll) held.fill(slot, content);
    for await (const { slot, userId, content } of this.forProfiles(watch)) {
      const contents = bySlot.get(slot);
      if (contents) contents.push({ userId, content });
      else bySlot.set(slot, [{ userId, content }]);
    }
    for (const [slot, contents] of bySlot) held.fillEach(slot, contents);
    return held;
  }

  /** The same, with contents of profiles to be read in that context. For the plugin itself. */
  readIn(context: AsyncContext): SlotFilling {
    const copy = new SlotFilling();
    for (const [slot, content] of this.#forAll) copy.fill(slot, content);
    for (const { slot, contents } of this.#forProfiles) copy.fillEach(slot, readIn(context, contents));
    return copy;
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

/**
 * Each part is read once, because it may throw.
 *
 * A content that can't be read costs its own profile. An entry without an id fails the whole list: which profile it was meant for is
 * unknown, and that profile would see what everybody sees.
 */
function filledBy(slot: string, one: unknown): FilledSlot {
  let given: unknown;
  try {
    given = (one as ProfileSlotContent).userId;
  } catch {
    throw new SlotContentError(slot, 'one profile', 'given as an object with userId and content', one);
  }
  const userId = toUserId(given);
  if (userId === null) throw new SlotContentError(slot, 'one profile', `given for ${EXPECTED_ID}`, given);
  return { slot, userId, content: contentOf(slot, one as ProfileSlotContent) };
}

function contentOf(slot: string, one: ProfileSlotContent): unknown {
  try {
    return one.content;
  } catch {
    return RefusedContent.unreadable(slot);
  }
}

/**
 * One shape of both.
 *
 * @throws InvalidFieldError for what is neither.
 */
export function toFilling(given: GivenSlots = {}): SlotFilling {
  if (given instanceof SlotFilling) return given;
  if (!isPlainObject(given)) throw new InvalidFieldError('slots', 'an object, or a SlotFilling', given);
  const filling = new SlotFilling();
  for (const [slot, content] of Object.entries(given)) filling.fill(slot, content);
  return filling;
}
