import type { DataSource } from 'typeorm';
import type { DatabaseKind } from './database-kinds.js';

/** How a host's database refuses a row. */
export interface Refusal {
  table: string;
  column: string;
  value: string;
  /**
   * `drops`: the row is left out without an error; `fails`: with the usual error of a trigger; `fails with its own code`: with one
   * that the trigger chooses.
   */
  how: 'drops' | 'fails' | 'fails with its own code';
}

/**
 * Makes a table refuse rows with one value, by a trigger as hosts have them. A check constraint, and on SQLite and PostgreSQL a
 * trigger, drop rows of an insert that ignores errors; here every database can do both.
 */
export async function refuseRows(
  dataSource: DataSource,
  kind: DatabaseKind,
  { table, column, value, how }: Refusal,
): Promise<void> {
  const when = `NEW.${column} = ${/^\d+$/.test(value) ? value : `'${value}'`}`;
  for (const statement of STATEMENTS[kind](table, when, how)) await dataSource.query(statement);
}

const innoDb = (table: string, when: string, how: Refusal['how']): string[] => {
  if (how === 'drops')
    return [`ALTER TABLE ${table} ADD CONSTRAINT says_no CHECK (NOT (${when.replace('NEW.', '')}))`];
  const code = how === 'fails' ? '' : ', MYSQL_ERRNO = 30001';
  return [
    `CREATE TRIGGER says_no BEFORE INSERT ON ${table} FOR EACH ROW
     BEGIN IF ${when} THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not this one'${code}; END IF; END`,
  ];
};

const POSTGRES_ANSWERS: Record<Refusal['how'], string> = {
  drops: 'RETURN NULL',
  fails: "RAISE EXCEPTION 'not this one'",
  // Of a class that neither the standard nor PostgreSQL uses.
  'fails with its own code': "RAISE EXCEPTION 'not this one' USING ERRCODE = 'SHOP1'",
};

const STATEMENTS: Record<DatabaseKind, typeof innoDb> = {
  mariadb: innoDb,
  mysql: innoDb,
  sqlite: (table, when, how) => [
    `CREATE TRIGGER says_no BEFORE INSERT ON ${table} WHEN ${when}
     BEGIN SELECT ${how === 'drops' ? 'RAISE(IGNORE)' : "RAISE(ABORT, 'not this one')"}; END`,
  ],
  postgres: (table, when, how) => [
    `CREATE FUNCTION says_no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF ${when} THEN ${POSTGRES_ANSWERS[how]}; END IF;
       RETURN NEW; END $$`,
    `CREATE TRIGGER says_no BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION says_no()`,
  ],
};
