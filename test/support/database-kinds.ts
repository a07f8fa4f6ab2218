/** Every database that is supported. */
export const DATABASE_KINDS = ['sqlite', 'mariadb', 'mysql', 'postgres'] as const;

export type DatabaseKind = (typeof DATABASE_KINDS)[number];

/** Those behind a network; SQLite is a file. */
export const SERVER_KINDS = ['mariadb', 'mysql', 'postgres'] as const satisfies DatabaseKind[];

/** Those whose tables are InnoDB's. */
export const INNODB_KINDS = ['mariadb', 'mysql'] as const satisfies DatabaseKind[];
