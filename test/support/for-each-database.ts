import { describe } from 'vitest';
import type { DatabaseKind } from './fresh-database.js';

/** Every database that is supported. */
export const DATABASE_KINDS: readonly DatabaseKind[] = ['sqlite', 'mariadb', 'postgres'];

/** `describe` once for every database that is supported; none is ever left out. */
export function forEachDatabase(name: string, tests: (kind: DatabaseKind) => void): void {
  for (const kind of DATABASE_KINDS) {
    describe(`${name} (${kind})`, () => {
      tests(kind);
    });
  }
}
