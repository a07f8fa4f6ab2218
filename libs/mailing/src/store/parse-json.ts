/** A JSON column as drivers give it: a text on SQLite and MariaDB, already parsed on MySQL. */
export function parseJson<T>(value: unknown): T | null {
  if (value === null || value === undefined) return null;
  return (typeof value === 'string' ? JSON.parse(value) : value) as T;
}
