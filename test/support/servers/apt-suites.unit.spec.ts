import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { unpackFrom } from './apt-suites.js';
import { PACKAGES } from './my-sql.programs.js';
import { canInstall } from './system-programs.js';

const run = promisify(execFile);
const CAN_UNPACK = (await canInstall()) ? [true] : [];

/** A machine whose own suites have MySQL, as those of Ubuntu: a real apt with a repository of three small packages. */
describe.each(CAN_UNPACK)('the suites of the machine itself', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mailing-apt-'));
    await chmod(folder, 0o755);
    const index = [];
    for (const name of ['mysql-server-core-8.0', 'mysql-client-core-8.0', 'mysql-server-core-manual']) {
      index.push(await addPackage(name));
    }
    await writeFile(join(folder, 'Packages'), index.join('\n'));
    const sources = join(folder, 'sources.list');
    await writeFile(sources, `deb [trusted=yes] copy:${folder} ./\n`);
    const settings = join(folder, 'apt.conf');
    await writeFile(settings, `Dir::Etc::sourcelist "${sources}";\nDir::Etc::sourceparts "/dev/null";\n`);
    vi.stubEnv('APT_CONFIG', settings);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true, force: true });
  });

  async function addPackage(name: string): Promise<string> {
    const root = join(folder, name);
    const program = join(root, 'usr', 'sbin', name);
    await mkdir(dirname(program), { recursive: true });
    await writeFile(program, name);
    const facts = `Package: ${name}\nVersion: 8.0.46\nArchitecture: all\nMaintainer: The Shop <shop@shop.example>\nDescription: a test\n`;
    await mkdir(join(root, 'DEBIAN'));
    await writeFile(join(root, 'DEBIAN', 'control'), facts);
    await run('dpkg-deb', ['--build', root, `${root}.deb`]);
    const deb = await readFile(`${root}.deb`);
    const hash = createHash('sha256').update(deb).digest('hex');
    return `${facts}Filename: ./${name}.deb\nSize: ${deb.length}\nSHA256: ${hash}\n`;
  }

  it('offer MySQL under package names with a version, and nothing else', async () => {
    const unpacked = join(folder, 'unpacked');
    await unpackFrom('own', PACKAGES.own, unpacked);
    const programs = await readdir(join(unpacked, 'usr', 'sbin'));
    expect(programs.toSorted()).toEqual(['mysql-client-core-8.0', 'mysql-server-core-8.0']);
  });
});
