import { describe } from 'vitest';
import {
  DATABASE_KINDS,
  type DatabaseKind,
  INNODB_KINDS,
  isChosen,
  SERVER_KINDS,
  type ServerKind,
} from './database-kinds.js';

/** `describe` once for every supported database. A database that `MAILING_TEST_DATABASES` does not name is skipped. */
export function forEachDatabase(name: string, tests: (kind: DatabaseKind) => void): void {
  forEachOf(DATABASE_KINDS, name, tests);
}

/** The same for databases that are servers. */
export function forEachServer(name: string, tests: (kind: ServerKind) => void): void {
  forEachOf(SERVER_KINDS, name, tests);
}

/** The same for MariaDB and MySQL. */
export function forEachInnoDb(name: string, tests: (kind: (typeof INNODB_KINDS)[number]) => void): void {
  forEachOf(INNODB_KINDS, name, tests);
}

/** The same for one database. Its name is not added. */
export function onDatabase(kind: DatabaseKind, name: string, tests: () => void): void {
  describe.runIf(isChosen(kind))(`${name}`, () => {
    tests();
  });
}

function forEachOf<K extends DatabaseKind>(
  kinds: readonly K[],
  name: string,
  tests: (kind: K) => void,
): void {
  for (const kind of kinds) onDatabase(kind, `${name} (${kind})`, () => tests(kind));
}
