/**
 * What an answer of the database says about the transaction in which it came.
 *
 * - `again`: the transaction is rolled back. It is repeated as a whole.
 * - `again-here`: the server that answered has rolled it back, and probably the others of its group, too. It is repeated on the same connection only:
 *   a server that left its group answers the same, and then another one may have committed it.
 * - `elsewhere`: this server writes nothing. The transaction is rolled back, and repeated on a new connection.
 * - `gone`: the connection ends, and what was not committed is lost. In answer to a COMMIT it is `open`.
 * - `open`: the transaction may be committed or not. The plugin does not repeat it; the caller reads what was written, as a run does by its commit
 *   number.
 */
export type FaultKind = 'again' | 'again-here' | 'elsewhere' | 'gone' | 'open';

/** How the meaning of a code was verified. */
export type FaultTrial =
  /** A test makes a real server answer it. */
  | 'server'
  /** It needs a cluster; a test uses the shape that the driver gives it. */
  | 'shape'
  /** From the documentation of a database that was never run here. */
  | 'paper';

/** One answer of a database, or of its driver. */
export interface FaultCode {
  /** The software that answers. */
  from: string;
  /** Numbers of MySQL's protocol, states of PostgreSQL's, words of the drivers. */
  codes: readonly (number | string)[];
  /** As the documentation calls it. */
  name: string;
  /** The row fits only such a message, because other errors share the code. */
  message?: RegExp;
  kind: FaultKind;
  /** The kind in answer to a COMMIT, if it differs. */
  atCommit?: FaultKind;
  trial: FaultTrial;
}

const MYSQL = 'MySQL, MariaDB';
const GROUP = 'Group replication';
const GALERA = 'Galera';
const POSTGRES = 'PostgreSQL';
const NODE = 'mysql2, pg';

/** Handler error number of a deadlock in InnoDB. */
const DEADLOCK_149 = /error 149\b/;

/** Many options of MySQL and MariaDB forbid statements; those that forbid writing have this in their names. */
const READ_ONLY_OPTION = /read[-_]only/i;

/**
 * Every answer after which a transaction may be repeated, or must not be: the first row that fits counts. `docs/databases.md` shows this table, and a
 * test compares the two.
 *
 * The lines on group replication are from its source, not only its manual. A transaction is prepared, sent to the group, certified, committed. 1180
 * with the number 149 comes from the first step, before anything was sent. 3101 is the refusal of the third step, but also the answer to waiting
 * transactions when the member leaves. 3100 comes if sending or waiting failed: the group may have the transaction.
 */
export const FAULT_CODES: readonly FaultCode[] = [
  { from: MYSQL, codes: [1213], name: 'ER_LOCK_DEADLOCK', kind: 'again', trial: 'server' },
  { from: MYSQL, codes: [1205], name: 'ER_LOCK_WAIT_TIMEOUT', kind: 'again', trial: 'server' },
  { from: 'MariaDB', codes: [1020], name: 'ER_CHECKREAD', kind: 'again', trial: 'server' },
  {
    from: GROUP,
    codes: [1180],
    name: 'ER_ERROR_DURING_COMMIT, error 149',
    message: DEADLOCK_149,
    kind: 'again',
    trial: 'shape',
  },
  {
    from: `${MYSQL}, ${GALERA}`,
    codes: [1180],
    name: 'ER_ERROR_DURING_COMMIT',
    kind: 'open',
    trial: 'shape',
  },
  {
    from: GROUP,
    codes: [3101],
    name: 'ER_TRANSACTION_ROLLBACK_DURING_COMMIT',
    kind: 'again-here',
    trial: 'shape',
  },
  { from: GROUP, codes: [3100], name: 'ER_RUN_HOOK_ERROR', kind: 'open', trial: 'shape' },
  { from: GROUP, codes: [3781], name: 'ER_GR_HOLD_WAIT_TIMEOUT', kind: 'again', trial: 'shape' },
  {
    from: GROUP,
    codes: [3782, 3783],
    name: 'ER_GR_HOLD_KILLED and its kin',
    kind: 'elsewhere',
    trial: 'shape',
  },
  {
    from: MYSQL,
    codes: [1290],
    name: 'ER_OPTION_PREVENTS_STATEMENT',
    message: READ_ONLY_OPTION,
    kind: 'elsewhere',
    trial: 'server',
  },
  {
    from: MYSQL,
    codes: [1792],
    name: 'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION',
    kind: 'elsewhere',
    trial: 'server',
  },
  { from: MYSQL, codes: [1836], name: 'ER_READ_ONLY_MODE', kind: 'elsewhere', trial: 'shape' },
  {
    from: GALERA,
    codes: [1047],
    name: 'ER_UNKNOWN_COM_ERROR, WSREP',
    // Without WSREP it means a command that the server does not know.
    message: /WSREP/,
    kind: 'elsewhere',
    atCommit: 'open',
    trial: 'shape',
  },
  { from: MYSQL, codes: [1053], name: 'ER_SERVER_SHUTDOWN', kind: 'gone', trial: 'server' },
  {
    from: MYSQL,
    codes: [1158, 1159, 1160, 1161],
    name: 'ER_NET_READ_ERROR and its kin',
    kind: 'gone',
    trial: 'shape',
  },
  { from: 'MariaDB', codes: [1927], name: 'ER_CONNECTION_KILLED', kind: 'gone', trial: 'shape' },
  { from: 'MySQL', codes: [3032], name: 'ER_SERVER_OFFLINE_MODE', kind: 'gone', trial: 'shape' },
  { from: 'MySQL', codes: [3169], name: 'ER_SESSION_WAS_KILLED', kind: 'gone', trial: 'shape' },
  {
    from: 'MySQL',
    codes: [4031],
    name: 'ER_CLIENT_INTERACTION_TIMEOUT',
    // MariaDB has another error of this number.
    message: /inactivity/,
    kind: 'gone',
    trial: 'shape',
  },
  {
    from: 'Proxies',
    codes: [2006, 2013],
    name: 'CR_SERVER_GONE_ERROR, CR_SERVER_LOST',
    kind: 'gone',
    trial: 'paper',
  },
  {
    from: 'TiDB',
    codes: [8002, 8005, 8022, 8028, 9007],
    name: 'write conflict, changed schema',
    kind: 'again',
    trial: 'paper',
  },
  {
    from: 'Vitess',
    codes: [1105],
    name: 'ER_UNKNOWN_ERROR, Unavailable',
    message: /code = (?:Aborted|Unavailable)\b/,
    kind: 'gone',
    trial: 'paper',
  },
  {
    from: `${POSTGRES}, CockroachDB`,
    codes: ['40001'],
    name: 'serialization_failure',
    kind: 'again',
    trial: 'server',
  },
  { from: POSTGRES, codes: ['40P01'], name: 'deadlock_detected', kind: 'again', trial: 'server' },
  { from: POSTGRES, codes: ['55P03'], name: 'lock_not_available', kind: 'again', trial: 'server' },
  {
    from: `${POSTGRES}, CockroachDB`,
    codes: ['40003'],
    name: 'statement_completion_unknown',
    kind: 'open',
    trial: 'shape',
  },
  { from: POSTGRES, codes: ['08007'], name: 'transaction_resolution_unknown', kind: 'open', trial: 'shape' },
  { from: POSTGRES, codes: ['25006'], name: 'read_only_sql_transaction', kind: 'elsewhere', trial: 'server' },
  {
    from: POSTGRES,
    codes: ['0A000'],
    name: 'feature_not_supported, hot standby',
    message: /hot standby/,
    kind: 'elsewhere',
    trial: 'shape',
  },
  { from: POSTGRES, codes: ['57P01'], name: 'admin_shutdown', kind: 'gone', trial: 'server' },
  { from: POSTGRES, codes: ['57P02'], name: 'crash_shutdown', kind: 'gone', trial: 'shape' },
  { from: POSTGRES, codes: ['57P03'], name: 'cannot_connect_now', kind: 'gone', trial: 'shape' },
  {
    from: POSTGRES,
    codes: ['57P04', '57P05'],
    name: 'database_dropped, idle_session_timeout',
    kind: 'gone',
    trial: 'shape',
  },
  {
    from: POSTGRES,
    codes: ['25P03', '25P04'],
    name: 'time-out in a transaction',
    kind: 'gone',
    trial: 'shape',
  },
  {
    from: `${POSTGRES}, pgbouncer`,
    codes: ['08000', '08001', '08003'],
    name: 'connection_exception',
    kind: 'gone',
    trial: 'shape',
  },
  {
    from: `${POSTGRES}, pgbouncer`,
    codes: ['08004', '08006', '08P01'],
    name: 'connection_failure',
    kind: 'gone',
    trial: 'shape',
  },
  {
    from: NODE,
    codes: ['PROTOCOL_CONNECTION_LOST', 'ECONNRESET', 'EPIPE'],
    name: 'lost connection',
    kind: 'gone',
    trial: 'server',
  },
  { from: NODE, codes: ['ETIMEDOUT', 'ECONNREFUSED'], name: 'no connection', kind: 'gone', trial: 'shape' },
  {
    from: NODE,
    codes: [],
    name: 'lost connection, no code',
    message:
      /^(?:Error: )?(?:Connection terminated|Can't (?:add new command|write) .*closed state|Client (?:was closed|has encountered))/,
    kind: 'gone',
    trial: 'server',
  },
  {
    from: 'SQLite',
    codes: ['SQLITE_BUSY', 'SQLITE_LOCKED'],
    name: 'another writer',
    kind: 'again',
    trial: 'server',
  },
];

/** The row for an error; null if it says only that the statement failed. */
export function faultCodeOf(error: unknown): FaultCode | null {
  const { errno, code, message } = (error ?? {}) as { errno?: unknown; code?: unknown; message?: unknown };
  const text = typeof message === 'string' ? message : '';
  const found = FAULT_CODES.find((row) => {
    if (row.message && !row.message.test(text)) return false;
    return row.codes.length === 0 || row.codes.some((known) => isCode(known, errno, code));
  });
  return found ?? null;
}

function isCode(known: number | string, errno: unknown, code: unknown): boolean {
  if (typeof known === 'number') return known === errno;
  // SQLite has extended codes, for example SQLITE_BUSY_SNAPSHOT.
  return (
    known === code ||
    (typeof code === 'string' && known.startsWith('SQLITE_') && code.startsWith(`${known}_`))
  );
}
