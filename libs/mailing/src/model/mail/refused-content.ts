import { NotSerializableError } from '../errors/request.errors.js';
import { toStorable } from './storable.js';

/**
 * Stands where a profile's own content of a slot can't be had. The profile is skipped: what all see was not meant for it, and neither was
 * an empty slot.
 */
export class RefusedContent {
  readonly #text: string;

  /** @param text what is wrong, in one sentence, with kinds and paths and never a value. */
  constructor(text: string) {
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }

  /** By a private field and not by `instanceof`, which a proxy of the host's may throw at. */
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

/** @returns a copy of what one profile sees in a slot, as JSON makes it; of what can't be stored, why not. */
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
