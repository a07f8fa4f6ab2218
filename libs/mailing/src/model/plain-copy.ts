/**
 * Copies plain objects and arrays, however deep; everything else stays what it is, because only its class knows how to copy it.
 * What holds itself does so in the copy.
 */
export function plainCopy<T>(value: T): T {
  return copyOf(value, new Map()) as T;
}

function copyOf(value: unknown, copies: Map<object, object>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const known = copies.get(value);
  if (known) return known;
  const copy = emptyOf(value);
  if (!copy) return value;
  copies.set(value, copy);
  for (const [key, inner] of Object.entries(value)) {
    // Not by assignment, which a key such as `__proto__` would turn into something else.
    const property = { value: copyOf(inner, copies), writable: true, enumerable: true, configurable: true };
    Object.defineProperty(copy, key, property);
  }
  return copy;
}

/** @returns null for what is neither a plain object nor an array. */
function emptyOf(value: object): object | null {
  if (Array.isArray(value)) return [];
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null) return Object.create(null) as object;
  return prototype === Object.prototype ? {} : null;
}
