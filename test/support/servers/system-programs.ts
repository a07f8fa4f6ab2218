import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';

/** Where systems keep servers; often not in the PATH of ordinary users. */
const FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'];

/** Path of a program, in the PATH, where systems keep servers, or in one of `more`. */
export async function which(program: string, more: readonly string[] = []): Promise<string | undefined> {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...FOLDERS, ...more]) {
    const path = join(folder, program);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

/** Whether this process may install packages of Debian. */
export async function canInstall(): Promise<boolean> {
  return process.getuid?.() === 0 && (await which('apt-get')) !== undefined;
}

export async function install(packages: readonly string[]): Promise<void> {
  process.stderr.write(`A server for the tests is missing: apt-get installs ${packages.join(' and ')}.\n`);
  const aptInstall = (): Promise<boolean> => apt('install', '-y', '--no-install-recommends', ...packages);
  // The lists of a fresh machine are empty, or name versions that the mirror no longer has.
  if (!(await aptInstall())) await apt('update').then(aptInstall);
}

/**
 * Unpacks packages of Debian in a folder, with the dependencies that this machine lacks. Nothing is installed: no service
 * of theirs starts, and their scripts do not run. The folder is complete or, if a package is missing, does not exist.
 *
 * @param optionsIn gives apt-get more options; it may keep files in the folder that it is given, which is removed at the end.
 */
export async function unpack(
  packages: readonly string[],
  folder: string,
  optionsIn: (own: string) => Promise<readonly string[]> = () => Promise.resolve([]),
): Promise<void> {
  process.stderr.write(`A server for the tests is missing: apt-get fetches ${packages.join(' and ')}.\n`);
  // Another test file may do the same: each works in a folder of its own, and the first one wins.
  const own = `${folder}.${process.pid}`;
  const archives = join(own, 'archives');
  const root = join(own, 'root');
  await mkdir(join(archives, 'partial'), { recursive: true });
  try {
    const options = await optionsIn(own);
    const download = ['--download-only', '-o', `Dir::Cache::archives=${archives}/`, ...options];
    const fetch = (): Promise<boolean> =>
      apt('install', '-y', '--no-install-recommends', ...download, ...packages);
    if (!(await fetch())) {
      // A mirror that is being renewed has lists that do not fit together for a moment.
      if (!(await apt('update', ...options))) await apt('update', ...options);
      if (!(await fetch())) return;
    }
    const files = (await readdir(archives)).filter((file) => file.endsWith('.deb'));
    for (const file of files) if (!(await finish('dpkg-deb', ['-x', join(archives, file), root]))) return;
    await rename(root, folder).catch(() => {});
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

/** Folders below `root` with shared libraries, for the variable LD_LIBRARY_PATH of programs that were only unpacked there. */
export async function librariesIn(root: string): Promise<string[]> {
  const files = await readdir(root, { recursive: true });
  return [...new Set(files.filter((file) => /\/lib[^/]*\.so\.[\d.]+$/.test(file)).map(dirname))].map(
    (folder) => join(root, folder),
  );
}

/** Some servers run as root only if root is named explicitly. */
export function asRoot(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}

async function apt(...words: string[]): Promise<boolean> {
  return finish('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...words]);
}

/** @returns whether it succeeded. */
async function finish(program: string, words: readonly string[]): Promise<boolean> {
  // All output goes to stderr, because programs read the last line of the test run's stdout.
  const child = spawn(program, words, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}
