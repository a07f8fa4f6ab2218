/** Every database that is supported. */
export const DATABASE_KINDS = ['sqlite', 'mariadb', 'mysql', 'postgres'] as const;

export type DatabaseKind = (typeof DATABASE_KINDS)[number];

/** Those behind a network; SQLite is a file. */
export const SERVER_KINDS = ['mariadb', 'mysql', 'postgres'] as const satisfies DatabaseKind[];

/** Those whose tables are InnoDB's. */
export const INNODB_KINDS = ['mariadb', 'mysql'] as const satisfies DatabaseKind[];

/**
 * Those that end a transaction of a process that no longer speaks. MySQL has no such limit: it keeps the transaction, and
 * its locks, until it gives the connection up.
 */
export const IDLE_LIMIT_KINDS = ['mariadb', 'postgres'] as const satisfies DatabaseKind[];
