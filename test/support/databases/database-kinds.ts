/** Every supported database. */
export const DATABASE_KINDS = ['sqlite', 'mariadb', 'mysql', 'postgres'] as const;

export type DatabaseKind = (typeof DATABASE_KINDS)[number];

/** The databases that are servers; SQLite is a file. */
export const SERVER_KINDS = ['mariadb', 'mysql', 'postgres'] as const satisfies DatabaseKind[];

export type ServerKind = (typeof SERVER_KINDS)[number];

/** The databases with InnoDB tables. */
export const INNODB_KINDS = ['mariadb', 'mysql'] as const satisfies DatabaseKind[];

/** Database names, separated by commas. Not set: all databases. */
const CHOICE = 'MAILING_TEST_DATABASES';

/** Whether tests run on this database; on others they are skipped. */
export function isChosen(kind: DatabaseKind): boolean {
  return chosenKinds().includes(kind);
}

/** @throws Error for an unknown name. */
export function chosenKinds(): readonly DatabaseKind[] {
  const words = process.env[CHOICE]?.split(',').map((word) => word.trim());
  if (!words) return DATABASE_KINDS;
  return words.map((word) => {
    const kind = DATABASE_KINDS.find((one) => one === word);
    if (kind) return kind;
    throw new Error(`${CHOICE}: expected some of ${DATABASE_KINDS.join(',')}, got "${word}".`);
  });
}
