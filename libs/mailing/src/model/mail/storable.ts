import { NotSerializableError } from '../errors/request.errors.js';
import { isPlainObject, kindOf } from '../values/value-kind.js';

/**
 * Max levels of nested objects and arrays, the outermost included. MariaDB accepts JSON of at most 32 levels and MySQL of at most 100; the
 * content of a slot is stored one level further in.
 */
export const MAX_DEPTH = 25;

/** Max bytes of JSON of one value. In a statement they may double, and the smallest `max_allowed_packet` in use is 1 MiB. */
export const MAX_STORED_BYTES = 262_144;

/** Keys that are shown in a path. Any other key could be an address. */
const SHOWN_KEY = /^[A-Za-z_$][\w$-]{0,39}$/;
const MAX_PATH_LENGTH = 200;

/**
 * Copies a value as JSON would, so that the first run sees exactly what a run after a restart will see. In text that is not well-formed
 * Unicode, half a surrogate pair (such as an emoji cut in two) becomes U+FFFD, because no database accepts it.
 *
 * The work is bounded: it ends at `MAX_DEPTH` levels and `MAX_STORED_BYTES`, however large the value is.
 *
 * @throws NotSerializableError naming the path of the first value that JSON would lose or change, or that is too deep or too large:
 * functions, symbols, bigints, cycles, streams, maps and other class instances without `toJSON`, getters that throw.
 */
export function toStorable<T>(value: T, path: string): T {
  return storedForm(value, path).copy as T;
}

/**
 * Like `toStorable`, but returns the JSON text.
 *
 * @throws NotSerializableError as `toStorable`.
 */
export function toStoredJson(value: unknown, path: string): string {
  return storedForm(value, path).json;
}

function storedForm(value: unknown, path: string): { copy: unknown; json: string } {
  const copying = new StorableCopy(path);
  try {
    const copy = copying.of(value);
    const json = JSON.stringify(copy) ?? '';
    // The copy counted only a lower bound of the bytes, plus one for each key without a value.
    if (Buffer.byteLength(json) > MAX_STORED_BYTES) throw tooLarge(path);
    return { copy, json };
  } catch (error) {
    if (error instanceof NotSerializableError) throw error;
    throw copying.refusal('a value that throws when it is read');
  }
}

function tooLarge(path: string): NotSerializableError {
  return new NotSerializableError(path, `more than ${MAX_STORED_BYTES.toLocaleString('en')} bytes of JSON`);
}

/** One copy in progress, with its current path. */
class StorableCopy {
  #left = MAX_STORED_BYTES;
  readonly #above: object[] = [];
  readonly #keys: (string | number)[] = [];

  constructor(private readonly path: string) {}

  of(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        return this.#text(value);
      case 'number':
        if (!Number.isFinite(value)) throw this.refusal(String(value));
        this.#take(1);
        return value;
      case 'boolean':
        this.#take(4);
        return value;
      case 'undefined':
        return undefined;
      case 'object':
        if (value !== null) return this.#object(value);
        this.#take(4);
        return null;
      default:
        throw this.refusal(kindOf(value));
    }
  }

  /** Makes an error that names the current path. */
  refusal(found: string): NotSerializableError {
    let path = this.path;
    for (const key of this.#keys) {
      const isShown = typeof key === 'string' && SHOWN_KEY.test(key);
      path += isShown ? `.${key}` : typeof key === 'number' ? `[${key}]` : '[…]';
    }
    return new NotSerializableError(
      path.length > MAX_PATH_LENGTH ? `${path.slice(0, MAX_PATH_LENGTH)}…` : path,
      found,
    );
  }

  #take(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw tooLarge(this.path);
  }

  #text(text: string): string {
    this.#take(text.length + 2);
    return text.toWellFormed();
  }

  #object(value: object): unknown {
    if (this.#above.includes(value)) throw this.refusal('a cycle');
    if (this.#above.length >= MAX_DEPTH) throw this.refusal(`a value more than ${MAX_DEPTH} levels deep`);
    this.#above.push(value);
    const { toJSON } = value as { toJSON?: unknown };
    const copy = typeof toJSON === 'function' ? this.#converted(value) : this.#contents(value, true);
    this.#above.pop();
    return copy;
  }

  /** As in JSON, the result of `toJSON` is not converted again. */
  #converted(value: object): unknown {
    const key = String(this.#keys.at(-1) ?? '');
    const converted = (value as { toJSON(key: string): unknown }).toJSON(key);
    if (converted === undefined) throw this.refusal('a value whose toJSON gives nothing');
    if (typeof converted !== 'object' || converted === null) return this.of(converted);
    return this.#contents(converted, false);
  }

  #contents(value: object, isOurs: boolean): unknown {
    this.#take(2);
    if (Array.isArray(value)) return this.#array(value);
    if (isOurs && !isPlainObject(value)) throw this.refusal(kindOf(value));
    const copy: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      this.#keys.push(key);
      // Count the key before its value is read, even if nothing of it is stored: reading is the work that is bounded.
      this.#take(1);
      const inner = this.of((value as Record<string, unknown>)[key]);
      if (inner !== undefined) {
        this.#take(key.length + 2);
        put(copy, key.toWellFormed(), inner);
      }
      this.#keys.pop();
    }
    return copy;
  }

  #array(list: unknown[]): unknown[] {
    const copy: unknown[] = [];
    for (let n = 0; n < list.length; n++) {
      this.#keys.push(n);
      if (n > 0) this.#take(1);
      copy.push(this.of(list[n]) ?? null);
      this.#keys.pop();
    }
    return copy;
  }
}

/** Assigning to `__proto__` would set the prototype, so that key is defined instead. */
function put(into: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') into[key] = value;
  else Object.defineProperty(into, key, { value, writable: true, enumerable: true, configurable: true });
}
