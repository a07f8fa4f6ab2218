/** Every database that is supported. */
export const DATABASE_KINDS = ['sqlite', 'mariadb', 'mysql', 'postgres'] as const;

export type DatabaseKind = (typeof DATABASE_KINDS)[number];

/** Those behind a network; SQLite is a file. */
export const SERVER_KINDS = ['mariadb', 'mysql', 'postgres'] as const satisfies DatabaseKind[];

export type ServerKind = (typeof SERVER_KINDS)[number];

/** Those whose tables are InnoDB's. */
export const INNODB_KINDS = ['mariadb', 'mysql'] as const satisfies DatabaseKind[];

/** Names of databases with commas between them; not set: all. */
const CHOICE = 'MAILING_TEST_DATABASES';

/** Whether tests on this database are wanted; those on others are skipped. */
export function isChosen(kind: DatabaseKind): boolean {
  return chosenKinds().includes(kind);
}

/** @throws Error for a name that is none of a database. */
export function chosenKinds(): readonly DatabaseKind[] {
  const words = process.env[CHOICE]?.split(',').map((word) => word.trim());
  if (!words) return DATABASE_KINDS;
  return words.map((word) => {
    const kind = DATABASE_KINDS.find((one) => one === word);
    if (kind) return kind;
    throw new Error(`${CHOICE}: expected some of ${DATABASE_KINDS.join(',')}, got "${word}".`);
  });
}
