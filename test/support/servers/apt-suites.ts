import { execFile } from 'node:child_process';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { canInstall, unpack } from './system-programs.js';

const run = promisify(execFile);

/** Debian's own keys; its package is part of every Debian, and of no other system by itself. */
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Where packages come from: Debian's unstable suite, or the suites that the machine itself has. */
export type Suites = 'unstable' | 'own';

/** @returns the suites that have MySQL's server; null where there are none, or this process may fetch no packages. */
export async function suitesWithMySql(): Promise<Suites | null> {
  if (!(await canInstall())) return null;
  const system = await readFile('/etc/os-release', 'utf8');
  // Ubuntu may have Debian's keys, and a mirror of Debian beside its own.
  if (/^ID="?ubuntu"?$/m.test(system)) return 'own';
  return (await mirrorOfDebian(system)) === undefined ? null : 'unstable';
}

/**
 * Unpacks packages in a folder, with everything that they need down to the C library, because that of this machine may be
 * older. apt-get works with lists, a cache and a status file of its own, so the machine's own apt does not learn of it.
 *
 * @param packages names, or expressions of them as apt-get takes them.
 */
export function unpackFrom(suites: Suites, packages: readonly string[], folder: string): Promise<void> {
  return unpack(packages, folder, async (own) => {
    // As if nothing were installed, so that everything is fetched.
    const status = join(own, 'status');
    await writeFile(status, '');
    const lists = join(own, 'lists');
    await mkdir(join(lists, 'partial'), { recursive: true });
    const settings = {
      ...(suites === 'unstable' && (await unstableIn(own))),
      'Dir::State::Lists': lists,
      'Dir::State::status': status,
      'Dir::Cache': own,
      // The folder of a user is closed to the account that apt-get would download as.
      'APT::Sandbox::User': 'root',
    };
    return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  });
}

/** Settings of apt-get with which it knows no other suite. */
async function unstableIn(own: string): Promise<Record<string, string>> {
  const sources = join(own, 'sources.list');
  const mirror = await mirrorOfDebian(await readFile('/etc/os-release', 'utf8'));
  await writeFile(sources, `deb [signed-by=${KEYRING}] ${mirror} sid main\n`);
  return { 'Dir::Etc::sourcelist': sources, 'Dir::Etc::sourceparts': '/dev/null' };
}

/** The address from which this machine takes its own release of Debian; apt-get itself reads its sources, in whatever form. */
async function mirrorOfDebian(system: string): Promise<string | undefined> {
  const hasKeyring = await access(KEYRING).then(
    () => true,
    () => false,
  );
  if (!hasKeyring) return undefined;
  const release = /^VERSION_CODENAME="?([\w-]+)/m.exec(system)?.[1];
  const { stdout } = await run('apt-get', ['update', '--print-uris']);
  const addresses = [...stdout.matchAll(/^'(\S+)\/dists\/([^/]+)\/InRelease'/gm)];
  const suites = new Set([release, 'stable', 'testing', 'unstable', 'sid']);
  return addresses.find(([, , suite]) => suites.has(suite))?.[1];
}
