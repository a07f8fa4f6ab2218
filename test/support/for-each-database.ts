import { describe } from 'vitest';
import { DATABASE_KINDS, type DatabaseKind } from './database-kinds.js';

/** `describe` once for every database that is supported; none is ever left out. */
export function forEachDatabase(name: string, tests: (kind: DatabaseKind) => void): void {
  for (const kind of DATABASE_KINDS) {
    describe(`${name} (${kind})`, () => {
      tests(kind);
    });
  }
}
