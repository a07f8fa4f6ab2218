import { UnstorableValueError } from './refusal.errors.js';

/**
 * Copies a value through JSON, so that the first run sees exactly what a run after a restart will see.
 *
 * @throws UnstorableValueError naming the first place that JSON would lose or change: functions, symbols, bigints,
 * cycles, streams, maps and other class instances without `toJSON`.
 */
export function toStorable<T>(value: T, path: string): T {
  check(value, path, new Set());
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T);
}

function check(value: unknown, path: string, above: Set<object>): void {
  if (typeof value === 'function') throw new UnstorableValueError(path, 'a function');
  if (typeof value === 'symbol' || typeof value === 'bigint')
    throw new UnstorableValueError(path, `a ${typeof value}`);
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new UnstorableValueError(path, String(value));
  if (typeof value !== 'object' || value === null) return;
  if (above.has(value)) throw new UnstorableValueError(path, 'a cycle');
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return;
  const isArray = Array.isArray(value);
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (!isArray && prototype !== Object.prototype && prototype !== null) {
    throw new UnstorableValueError(path, `an instance of ${value.constructor?.name ?? 'a class'}`);
  }
  above.add(value);
  for (const [key, inner] of Object.entries(value))
    check(inner, isArray ? `${path}[${key}]` : `${path}.${key}`, above);
  above.delete(value);
}
