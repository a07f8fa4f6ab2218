import { appendFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { appendFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { JournalFolderError, MailingEvents } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { toMailingSettings } from '../../../libs/mailing/src/model/options/mailing-settings.factory.js';
import { begunLine, claimLine, headerLine } from '../../../libs/mailing/src/store/journal/journal.lines.js';
import { JournalFolder } from '../../../libs/mailing/src/store/journal/journal.folder.js';
import { JournalRecovery } from '../../../libs/mailing/src/work/claims/journal.recovery.js';
import { JournalManager } from '../../../libs/mailing/src/work/servers/journal.manager.js';
import { readPidNamespace } from '../../../libs/mailing/src/work/servers/pid-namespace.js';
import { journalFolder } from '../../support/hosts/journal-folder.js';

const TOKEN = 'dead#1';
const OWNER = {
  uniqServerId: 'test:1',
  hostname: hostname(),
  pid: 1,
  pidNamespace: String(readPidNamespace()),
};
/** Its options do not matter where the folder has a name. */
const NO_SOURCE = { options: { type: 'better-sqlite3', database: ':memory:' } as const };
const DAYS = 86_400_000;

/** @param isKnownDead runs at the moment when the journal asks for proof. */
function journalsIn(dir: string, isKnownDead: () => boolean, held: string[] = []): JournalRecovery {
  const settings = toMailingSettings({
    templates: { dir: tmpdir() },
    uniqServerId: 'test:1',
    journal: { dir },
  });
  const folder = new JournalFolder(settings, NO_SOURCE);
  folder.prepare();
  const membership = { incarnation: 'living', isKnownDead };
  const claims = { unfinished: async () => held.map((claimToken) => ({ claimToken })) };
  const batches = { claimedByDead: async () => [] };
  return new JournalRecovery(
    folder,
    settings,
    membership as never,
    claims as never,
    batches as never,
    {} as never,
  );
}

const journal = (incarnation: string, uniqServerId = 'test:1'): string =>
  headerLine({ ...OWNER, incarnation, uniqServerId }) + claimLine(1, TOKEN) + begunLine(1, 3);

it('a journal is read after its process is known to be dead, so that its last lines count', async () => {
  await using folder = await journalFolder();
  const path = join(folder.path, 'dead.journal');
  await writeFile(path, journal('dead'));
  // The process dies between the first read of the file and the proof, and had started a message in between.
  const journals = journalsIn(folder.path, () => {
    appendFileSync(path, begunLine(1, 4));
    return true;
  });
  const dead = await journals.read(TOKEN);
  expect(dead?.after(0).begun).toEqual(new Set([3, 4]));
});

it('a journal whose process may be alive is neither believed nor removed', async () => {
  await using folder = await journalFolder();
  await writeFile(join(folder.path, 'dead.journal'), journal('dead'));
  const journals = journalsIn(folder.path, () => false);
  expect(await journals.read(TOKEN)).toBeNull();
  await journals.clear();
  expect(await readdir(folder.path)).toEqual(['dead.journal']);
});

it('journals are removed when no recovery can need them: their claims are gone, or they are old and of other servers', async () => {
  await using folder = await journalFolder();
  const files = { dead: 'test:1', held: 'test:1', living: 'test:1', other: 'pod-a:1', old: 'pod-b:1' };
  for (const [incarnation, server] of Object.entries(files)) {
    await writeFile(join(folder.path, `${incarnation}.journal`), journal(incarnation, server));
  }
  await appendFile(join(folder.path, 'damaged.journal'), 'nothing of ours');
  const before = new Date(Date.now() - 8 * DAYS);
  await utimes(join(folder.path, 'old.journal'), before, before);

  await journalsIn(folder.path, () => true, ['held#7']).clear();

  const left = ['damaged', 'held', 'living', 'other'].map((name) => `${name}.journal`);
  expect((await readdir(folder.path)).sort()).toEqual(left);
});

it('a journal folder that can not be made is refused at start, with the reason', async () => {
  await using folder = await journalFolder();
  const file = join(folder.path, 'file');
  await writeFile(file, '');
  const settings = toMailingSettings({
    templates: { dir: tmpdir() },
    journal: { dir: join(file, 'journals') },
  });
  const keeper = new JournalManager(new JournalFolder(settings, NO_SOURCE), new MailingEvents());
  expect(() => keeper.prepare()).toThrow(JournalFolderError);
  expect(() => keeper.prepare()).toThrow(/journal\.dir .*ENOTDIR/);
});
