import { NotSerializableError } from '../errors/request.errors.js';
import { toStorable } from './storable.js';

/**
 * Takes the place of a profile's own slot content that can't be read or stored. The profile is skipped: neither the content for all
 * recipients nor an empty slot was meant for it.
 */
export class RefusedContent {
  readonly #text: string;

  /** @param text what is wrong, in one sentence: types and paths, never a value. */
  constructor(text: string) {
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }

  /** Checks a private field, because `instanceof` may throw at a proxy of the host. */
  static is(value: unknown): value is RefusedContent {
    return typeof value === 'object' && value !== null && #text in value;
  }

  static unreadable(slot: string): RefusedContent {
    return new RefusedContent(`Reading this profile's own content of slots.${slot} throws.`);
  }

  static notTaken(slot: string): RefusedContent {
    return new RefusedContent(`The database refuses to store this profile's own content of slots.${slot}.`);
  }
}

/** @returns a copy of one profile's content as JSON makes it, or a `RefusedContent` that says why it can't be stored. */
export function storableOf(slot: string, content: unknown): unknown {
  if (RefusedContent.is(content)) return content;
  try {
    return toStorable(content, `slots.${slot}`);
  } catch (error) {
    if (!(error instanceof NotSerializableError)) throw error;
    const { path, found } = error;
    return new RefusedContent(`This profile's own content can't be stored as JSON: ${path} is ${found}.`);
  }
}
