/**
 * Copies plain objects and arrays, however deep. Everything else is kept as it is, because only its class knows how to copy it. A value
 * that contains itself does so in the copy.
 */
export function plainCopy<T>(value: T): T {
  const copies = new Map<object, object>();
  // A list instead of recursion: the value may be deeper than the call stack.
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
      // Not by assignment: assigning to a key such as `__proto__` would do something else.
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
