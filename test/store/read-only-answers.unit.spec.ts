import { describe, expect, it } from 'vitest';
import {
  answerToCommit,
  isDataFault,
  isLockFault,
  isNotPrimary,
  provesNoCommit,
} from '../../libs/mailing/src/store/faults/database-fault.js';

const RUNS_WITH = (option: string): string =>
  `The MySQL server is running with the ${option} option so it cannot execute this statement`;

const NOT_PRIMARY: [string, object][] = [
  ['MySQL, read_only', { errno: 1290, message: RUNS_WITH('--read-only') }],
  ['MySQL, super_read_only', { errno: 1290, message: RUNS_WITH('--super-read-only') }],
  ['MySQL, innodb_read_only, as Aurora has it', { errno: 1290, message: RUNS_WITH('--innodb-read-only') }],
  ['MariaDB, read_only', { errno: 1290, message: RUNS_WITH('--read-only').replace('MySQL', 'MariaDB') }],
  [
    'MariaDB in German',
    {
      errno: 1290,
      message:
        'Der MariaDB-Server läuft mit der Option --read-only und kann diese Anweisung deswegen nicht ausführen',
    },
  ],
  [
    'a transaction that only reads',
    { errno: 1792, message: 'Cannot execute statement in a READ ONLY transaction.' },
  ],
  ['a server that only reads', { errno: 1836, message: 'Running in read-only mode' }],
  [
    'Galera, outside of the primary component',
    { errno: 1047, message: 'WSREP has not yet prepared node for application use' },
  ],
  [
    'PostgreSQL',
    {
      code: '25006',
      message: 'cannot execute UPDATE in a read-only transaction',
      routine: 'PreventCommandIfReadOnly',
    },
  ],
  [
    'a standby of PostgreSQL, serializable',
    { code: '0A000', message: 'cannot use serializable mode in a hot standby' },
  ],
];

const OTHERS: [string, unknown][] = [
  ['another option of MySQL', { errno: 1290, message: RUNS_WITH('--secure-file-priv') }],
  ['a command that is not known', { errno: 1047, message: 'Unknown command' }],
  ['something PostgreSQL can not do', { code: '0A000', message: 'cannot insert into column "a"' }],
  ['a deadlock', { errno: 1213, message: 'Deadlock found' }],
  ['a duplicate', { errno: 1062, message: "Duplicate entry '--read-only' for key" }],
  ['a lost connection', { code: 'ECONNRESET', message: 'read ECONNRESET' }],
  ['a file of SQLite', { code: 'SQLITE_READONLY', message: 'attempt to write a readonly database' }],
  ['no error at all', undefined],
];

describe('errors of a read-only server', () => {
  it.each(NOT_PRIMARY)(
    '%s: needs another connection, and is neither a data fault nor a lock fault',
    (_, error) => {
      expect([isNotPrimary(error), isDataFault(error), isLockFault(error)]).toEqual([true, false, false]);
    },
  );

  it.each(OTHERS)('%s is not one of them', (_, error) => {
    expect(isNotPrimary(error)).toBe(false);
  });

  it.each(NOT_PRIMARY)('%s, on a statement: nothing was committed', (_, error) => {
    expect(provesNoCommit({ ...error })).toBe(true);
  });

  it('on a COMMIT prove that nothing was committed, except that of a Galera node', () => {
    const proofs = NOT_PRIMARY.map(([name, error]) => [name, provesNoCommit(answerToCommit({ ...error }))]);
    expect(proofs.filter(([, proves]) => !proves)).toEqual([
      ['Galera, outside of the primary component', false],
    ]);
  });
});
