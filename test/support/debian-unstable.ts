import { execFile } from 'node:child_process';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { canInstall, unpack } from './system-programs.js';

const run = promisify(execFile);

/** Debian's own keys; its package is part of every Debian, and of no other system by itself. */
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Whether this process may fetch packages of Debian, and this machine names a mirror that has them. */
export async function canUseUnstable(): Promise<boolean> {
  return (await canInstall()) && (await mirror()) !== undefined;
}

/**
 * Unpacks packages of Debian's unstable suite in a folder, with everything that they need down to the C library, because
 * that of this machine may be older. apt-get works with lists, a cache and a status file of its own, so the machine's own
 * apt does not learn that there is another suite.
 */
export function unpackFromUnstable(packages: readonly string[], folder: string): Promise<void> {
  return unpack(packages, folder, async (own) => {
    const sources = join(own, 'sources.list');
    await writeFile(sources, `deb [signed-by=${KEYRING}] ${await mirror()} sid main\n`);
    // As if nothing were installed, so that everything is fetched.
    const status = join(own, 'status');
    await writeFile(status, '');
    const lists = join(own, 'lists');
    await mkdir(join(lists, 'partial'), { recursive: true });
    const settings = {
      'Dir::Etc::sourcelist': sources,
      'Dir::Etc::sourceparts': '/dev/null',
      'Dir::State::Lists': lists,
      'Dir::State::status': status,
      'Dir::Cache': own,
      // The folder of a user is closed to the account that apt-get would download as.
      'APT::Sandbox::User': 'root',
    };
    return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  });
}

/** The address from which this machine takes its own release of Debian; apt-get itself reads its sources, in whatever form. */
async function mirror(): Promise<string | undefined> {
  const hasKeyring = await access(KEYRING).then(
    () => true,
    () => false,
  );
  if (!hasKeyring) return undefined;
  const release = /^VERSION_CODENAME="?([\w-]+)/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1];
  const { stdout } = await run('apt-get', ['update', '--print-uris']);
  const addresses = [...stdout.matchAll(/^'(\S+)\/dists\/([^/]+)\/InRelease'/gm)];
  const suites = new Set([release, 'stable', 'testing', 'unstable', 'sid']);
  return addresses.find(([, , suite]) => suites.has(suite))?.[1];
}
