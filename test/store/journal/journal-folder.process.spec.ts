import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { identityOf } from '../../../libs/mailing/src/store/journal/data-source.identity.js';
import { JournalFolder } from '../../../libs/mailing/src/store/journal/journal.folder.js';
import { headerLine } from '../../../libs/mailing/src/store/journal/journal.lines.js';
import { readContent, readOwner } from '../../../libs/mailing/src/store/journal/journal.reader.js';
import { stateDirectory } from '../../../libs/mailing/src/store/journal/state.directory.js';

const BY_DEFAULT = { journal: { dir: null } };
const SHOP = { type: 'mysql', host: 'db.example', port: 3306, database: 'shop' };
const OWNER = { uniqServerId: 'a', incarnation: 'x', hostname: 'h', pid: 1, pidNamespace: 'n' };

/** Gives a file to another user; where only root could, this process becomes another user in its own eyes. */
function toAnother(path: string): void {
  if (process.geteuid?.() === 0) chownSync(path, 65_534, 65_534);
  else vi.spyOn(process, 'geteuid').mockReturnValue(65_534);
}

afterEach(() => void vi.restoreAllMocks());

const source = (options: object): never => ({ options }) as never;
const identity = (options: object, env = {}): string | null => identityOf(source(options), env);

describe('the name of the tables in a data source', () => {
  it.each<[string, object]>([
    ['host', { ...SHOP, host: 'other.example' }],
    ['port', { ...SHOP, port: 3307 }],
    ['database', { ...SHOP, database: 'club' }],
    ['kind of database', { ...SHOP, type: 'postgres' }],
    ['schema', { ...SHOP, schema: 'mail' }],
    ['prefix of tables', { ...SHOP, entityPrefix: 'app_' }],
    ['socket', { ...SHOP, socketPath: '/run/mysqld.sock' }],
    ['URL', { type: 'mysql', url: 'mysql://db.example/shop' }],
  ])('is another one with another %s', (_what, other) => {
    expect(identity(other)).not.toBe(identity(SHOP));
  });

  it.each<[string, object, object]>([
    [
      'by its options',
      { ...SHOP, username: 'ann', password: 'secret-1' },
      { ...SHOP, username: 'bob', password: 'secret-2' },
    ],
    [
      'in its URL',
      { type: 'postgres', url: 'postgres://ann:secret-1@db.example/shop?sslmode=require' },
      { type: 'postgres', url: 'postgres://db.example/shop' },
    ],
    [
      'of the primary of a replication',
      { type: 'mysql', replication: { master: { host: 'db.example', password: 'secret-1' }, slaves: [] } },
      {
        type: 'mysql',
        replication: { master: { host: 'db.example' }, slaves: [{ host: 'replica.example' }] },
      },
    ],
  ])('does not depend on the login %s, and does not contain it', (_what, one, other) => {
    expect(identity(one)).toBe(identity(other));
    expect(identity(one)).not.toMatch(/secret|ann/);
  });

  it('follows what pg reads from the environment where the options say nothing', () => {
    const env = { PGHOST: 'db.example', PGDATABASE: 'shop' };
    expect(identity({ type: 'postgres' }, env)).not.toBe(identity({ type: 'postgres' }));
    expect(identity({ type: 'postgres', url: 'postgres://db.example/shop' }, env)).toBe(
      identity({ type: 'postgres', url: 'postgres://db.example/shop' }),
    );
  });

  it.each([':memory:', '', 'file::memory:?cache=shared', undefined])(
    'is none for SQLite in %j',
    (database) => {
      expect(identity({ type: 'better-sqlite3', database })).toBeNull();
    },
  );

  it('is the file of SQLite, wherever the process was started', () => {
    const relative = identity({ type: 'better-sqlite3', database: 'mailing.sqlite' });
    expect(relative).toBe(
      identity({ type: 'better-sqlite3', database: join(process.cwd(), 'mailing.sqlite') }),
    );
  });
});

describe('the state directory of the user', () => {
  const home = (): string => '/home/ann';

  it.each<[string, Record<string, string>]>([
    ['/var/lib/news', { STATE_DIRECTORY: '/var/lib/news:/var/lib/more', XDG_STATE_HOME: '/state' }],
    ['/state', { XDG_STATE_HOME: '/state' }],
    ['/home/ann/.local/state', { XDG_STATE_HOME: 'not/absolute' }],
    ['/home/ann/.local/state', {}],
  ])('is %s for %j', (expected, env) => {
    expect(stateDirectory(env, home)).toBe(expected);
  });

  it.each<[string, () => string]>([
    [
      'is not known to the system',
      () => {
        throw new Error('uv_os_homedir returned ENOENT');
      },
    ],
    ['has an empty one', () => ''],
  ])('is none for a user that %s', (_what, none) => {
    expect(() => stateDirectory({}, none)).toThrow('this user has no home');
  });
});

describe('the folder of journals', () => {
  let state: string;
  let stateHome: string | undefined;

  beforeEach(() => {
    stateHome = process.env.XDG_STATE_HOME;
    state = mkdtempSync(join(tmpdir(), 'mailing-state-'));
    process.env.XDG_STATE_HOME = state;
  });
  afterEach(() => {
    process.env.XDG_STATE_HOME = stateHome;
    rmSync(state, { recursive: true });
  });

  const prepared = (settings: object = BY_DEFAULT, options: object = SHOP, platform?: NodeJS.Platform) => {
    const folder = new JournalFolder(settings as never, source(options), platform ?? 'linux');
    const nothing = folder.prepare();
    return { dir: folder.dir, error: nothing ? String(nothing.error) : null };
  };

  it('is private, and the same for all processes that use these tables', () => {
    const { dir, error } = prepared();
    expect([error, prepared().dir, prepared(BY_DEFAULT, { ...SHOP, database: 'club' }).dir === dir]).toEqual([
      null,
      dir,
      false,
    ]);
    expect(dir).toMatch(new RegExp(`^${state}/nestjs-mailing/[0-9a-f]{32}$`));
    for (const made of [dir!, join(state, 'nestjs-mailing')])
      expect(lstatSync(made).mode & 0o777).toBe(0o700);
  });

  it('is none, without a complaint, where the option says so or the database is in memory', () => {
    expect(prepared({ journal: null })).toEqual({ dir: null, error: null });
    const memory = { type: 'better-sqlite3', database: ':memory:' };
    expect(prepared(BY_DEFAULT, memory)).toEqual({ dir: null, error: null });
  });

  it('is none on a system that does not tell its boots', () => {
    const { dir, error } = prepared(BY_DEFAULT, SHOP, 'darwin');
    expect(dir).toBeNull();
    expect(error).toMatch(/only Linux/);
  });

  it.each<[string, (of: string) => void, RegExp]>([
    ['a link', (of) => (mkdirSync(`${of}.real`), symlinkSync(`${of}.real`, of)), /is no folder/],
    ['a file', (of) => writeFileSync(of, ''), /is no folder/],
    ["another user's", (of) => (mkdirSync(of, { mode: 0o700 }), toAnother(of)), /belongs to another user/],
    ['open to a group', (of) => (mkdirSync(of), chmodSync(of, 0o750)), /chmod 700/],
    ['open to all', (of) => (mkdirSync(of), chmodSync(of, 0o705)), /chmod 700/],
  ])('is not used if it, or the one above it, was there before and is %s', (_what, make, complaint) => {
    const { dir } = prepared();
    for (const before of [dir!, join(state, 'nestjs-mailing')]) {
      rmSync(before, { recursive: true });
      make(before);
      const { dir: now, error } = prepared();
      expect(now).toBeNull();
      expect(error).toMatch(complaint);
    }
  });

  it.each<[string, () => void, RegExp]>([
    ['other users can write to', () => chmodSync(state, 0o777), /other users can write to/],
    ['a group can write to', () => chmodSync(state, 0o770), /other users can write to/],
    ["is another user's", () => toAnother(state), /belongs to another user/],
  ])('is not made in a folder that %s', (_what, change, complaint) => {
    change();
    expect(prepared().error).toMatch(complaint);
  });

  it('is made in a folder where others can write, but not exchange what is ours', () => {
    chmodSync(state, 0o1777);
    expect(prepared().error).toBeNull();
  });

  it('is none where the state directory can not be made', () => {
    writeFileSync(join(state, 'file'), '');
    process.env.XDG_STATE_HOME = join(state, 'file', 'state');
    expect(prepared()).toEqual({ dir: null, error: expect.stringContaining('ENOTDIR') as string });
  });

  it('is not made where an option names another one', () => {
    const named = join(state, 'named');
    expect(prepared({ journal: { dir: named } })).toEqual({ dir: named, error: null });
  });
});

describe('a journal is read only if it', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'mailing-journal-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each<[string, (path: string) => void, boolean]>([
    ['is a file of this user', (path) => writeFileSync(path, headerLine(OWNER)), true],
    [
      'is no link',
      (path) => (writeFileSync(`${path}.real`, headerLine(OWNER)), symlinkSync(`${path}.real`, path)),
      false,
    ],
    ['belongs to no other user', (path) => (writeFileSync(path, headerLine(OWNER)), toAnother(path)), false],
    ['is no folder', (path) => mkdirSync(path), false],
  ])('%s', async (_what, make, isRead) => {
    const path = join(folder, 'x.journal');
    make(path);
    expect((await readOwner(path)) !== null).toBe(isRead);
    expect((await readContent(path)) !== null).toBe(isRead);
  });
});
