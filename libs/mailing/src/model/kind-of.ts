/** What a value is, in words that never show it: it may hold an address or a secret. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (isPromise(value)) return 'a promise';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string') return value === '' ? 'an empty text' : 'a text';
  if (typeof value === 'function' || typeof value === 'boolean') return `a ${typeof value}`;
  if (typeof value !== 'object') return typeof value === 'number' ? 'a number' : `a ${typeof value}`;
  return value instanceof Date ? 'a Date' : 'an object';
}

/** Whatever an `await` would wait for. Never throws, also where a getter does. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  try {
    return typeof (value as { then?: unknown }).then === 'function';
  } catch {
    return false;
  }
}
