/**
 * Copies plain objects and arrays, however deep; everything else stays what it is, because only its class knows how to copy it.
 * What holds itself does so in the copy.
 */
export function plainCopy<T>(value: T): T {
  const copies = new Map<object, object>();
  // A list and not a call for each level: there may be more levels than calls.
  const open: { from: object; to: object }[] = [];
  const copyOf = (one: unknown): unknown => {
    if (typeof one !== 'object' || one === null) return one;
    const known = copies.get(one);
    if (known) return known;
    const copy = emptyOf(one);
    if (!copy) return one;
    copies.set(one, copy);
    open.push({ from: one, to: copy });
    return copy;
  };
  const whole = copyOf(value);
  for (let next = open.pop(); next; next = open.pop()) {
    for (const [key, inner] of Object.entries(next.from)) {
      // Not by assignment, which a key such as `__proto__` would turn into something else.
      const property = { value: copyOf(inner), writable: true, enumerable: true, configurable: true };
      Object.defineProperty(next.to, key, property);
    }
  }
  return whole as T;
}

/** @returns null for what is neither a plain object nor an array. */
function emptyOf(value: object): object | null {
  if (Array.isArray(value)) return [];
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null) return Object.create(null) as object;
  return prototype === Object.prototype ? {} : null;
}
