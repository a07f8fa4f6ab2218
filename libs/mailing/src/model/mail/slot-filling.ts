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

/** The content of a slot for one profile; `userId` as in lists of recipients. */
export interface ProfileSlotContent extends ProfileRecipient {
  content: unknown;
}

/** Anything that yields contents one by one: an array, a generator, a database cursor. */
export type ProfileSlotContents = Iterable<ProfileSlotContent> | AsyncIterable<ProfileSlotContent>;

/** The content of one slot for one profile, before it is stored. */
export interface FilledSlot {
  slot: string;
  userId: string;
  /** As given; a `RefusedContent` if reading it throws, so that the profile is skipped. */
  content: unknown;
}

/** Width of the column that holds a name. */
const MAX_SLOT_LENGTH = 100;
const EXPECTED_ID = `an id of 1 to ${MAX_USER_ID} characters, or a whole number`;

interface ProfileSource {
  slot: string;
  contents: ProfileSlotContents;
}

/** Of a filling, for the functions below, which are not public. */
let sourcesOf: (filling: SlotFilling) => readonly ProfileSource[];

/**
 * What the slots of one mailing show: content for all recipients, and content for single profiles, which wins over it. If a profile is
 * given twice for one slot, the first content counts.
 *
 * An array is shown item by item, anything else as a whole. Null, undefined, false, an empty text and an empty array leave the slot empty.
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
  readonly #forProfiles: ProfileSource[] = [];

  static {
    sourcesOf = (filling) => filling.#forProfiles;
  }

  /**
   * Content for all recipients that have none of their own.
   *
   * @throws InvalidArgumentError if the slot has no name of 1 to 100 characters.
   */
  fill(slot: string, content: unknown): this {
    checkText('fill: slot', slot, MAX_SLOT_LENGTH);
    this.#forAll.set(slot, content);
    return this;
  }

  /**
   * Content for one profile.
   *
   * @throws InvalidArgumentError if the slot has no name of 1 to 100 characters, or `userId` can't be a profile id.
   */
  fillFor(userId: ProfileRecipient['userId'], slot: string, content: unknown): this {
    if (toUserId(userId) === null) throw new InvalidArgumentError('fillFor: userId', EXPECTED_ID, userId);
    return this.fillEach(slot, [{ userId, content }]);
  }

  /**
   * Content for each of these profiles. It is read once, while the mailing is written. A persisted mailing never holds the contents as a
   * whole; one that is not persisted keeps them in memory. A profile is skipped if its content can't be read, or can't be stored in a
   * persistent slot.
   *
   * @throws InvalidArgumentError if the slot has no name of 1 to 100 characters, or `contents` is not iterable.
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

  /** Content for all recipients, by slot. */
  get forAll(): Record<string, unknown> {
    return Object.fromEntries(this.#forAll);
  }

  /**
   * Contents for single profiles, in the order in which they were given. Each source can be read once.
   *
   * @throws SlotContentError if an entry has no valid profile id; SourceConsumedError; SourceProtocolError; whatever a source throws.
   */
  forProfiles(): AsyncGenerator<FilledSlot> {
    return readFilling(this);
  }

  /** A copy with these slots only. Content for all recipients is copied by `copyOf`. */
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

/**
 * Reads the contents for single profiles.
 *
 * @param watch ends the wait for a content.
 * @throws SlotContentError if an entry has no valid profile id; SourceConsumedError; SourceProtocolError; whatever a source throws.
 */
export async function* readFilling(filling: SlotFilling, watch?: SourceWatch): AsyncGenerator<FilledSlot> {
  for (const { slot, contents } of sourcesOf(filling))
    for await (const one of beginReading(contents, `slots.${slot}`, watch)) yield filledBy(slot, one);
}

/** A copy whose sources have all been read into memory. @throws as `readFilling`. */
export async function heldFilling(filling: SlotFilling, watch?: SourceWatch): Promise<SlotFilling> {
  const held = new SlotFilling();
  const bySlot = new Map<string, ProfileSlotContent[]>();
  for (const [slot, content] of Object.entries(filling.forAll)) held.fill(slot, content);
  for await (const { slot, userId, content } of readFilling(filling, watch)) {
    const contents = bySlot.get(slot);
    if (contents) contents.push({ userId, content });
    else bySlot.set(slot, [{ userId, content }]);
  }
  for (const [slot, contents] of bySlot) held.fillEach(slot, contents);
  return held;
}

/** A copy that reads the contents of profiles in the given context. */
export function fillingIn(context: AsyncContext, filling: SlotFilling): SlotFilling {
  const copy = new SlotFilling();
  for (const [slot, content] of Object.entries(filling.forAll)) copy.fill(slot, content);
  for (const { slot, contents } of sourcesOf(filling)) copy.fillEach(slot, readIn(context, contents));
  return copy;
}

/** Content by slot, or a filling, as hosts may give it with a mailing. */
export type GivenSlots = Record<string, unknown> | SlotFilling;

/**
 * Reads each field once, because a getter may throw.
 *
 * Content that can't be read affects only its profile. An entry without an id fails the whole list: its profile is unknown, and would see
 * the content for all recipients.
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
 * Turns both forms into a `SlotFilling`.
 *
 * @throws InvalidFieldError if it is neither an object nor a `SlotFilling`.
 */
export function toFilling(given: GivenSlots = {}): SlotFilling {
  if (given instanceof SlotFilling) return given;
  if (!isPlainObject(given)) throw new InvalidFieldError('slots', 'an object, or a SlotFilling', given);
  const filling = new SlotFilling();
  for (const [slot, content] of Object.entries(given)) filling.fill(slot, content);
  return filling;
}
