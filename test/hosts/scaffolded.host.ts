import { type ExecFileException, execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { HostCell } from './host-cells.js';
import { filesOf, packagesOf } from './scaffold.js';

const run = promisify(execFile);

/** An application as `nest new` makes it, in a folder of its own, with the packed plugin. */
export class ScaffoldedHost {
  private constructor(
    readonly folder: string,
    private readonly cell: HostCell,
    private readonly node: string,
  ) {}

  /** Writes the files of this cell. What was installed for another cell of the same installation is used again. */
  static async prepare(root: string, tarball: string, cell: HostCell): Promise<ScaffoldedHost> {
    const { nest, typescript, runner, typeorm, layout } = cell;
    const folder = join(root, [nest, typescript, runner, typeorm, layout].join('-').replaceAll(' ', ''));
    const isNew = (await mkdir(folder, { recursive: true })) !== undefined;
    const files = filesOf(cell);
    if (isNew) {
      await writeFile(join(folder, 'package.json'), files['package.json']);
      const how = [
        '--no-audit',
        '--no-fund',
        '--prefer-offline',
        `--install-strategy=${layout}`,
        '--save-exact',
      ];
      await told('npm', ['install', ...how, tarball, ...packagesOf(cell)], folder);
    } else {
      await told(
        'npm',
        ['pkg', 'set', `type=${(JSON.parse(files['package.json']) as { type: string }).type}`],
        folder,
      );
    }
    delete files['package.json'];
    await rm(join(folder, 'dist'), { recursive: true, force: true });
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    return new ScaffoldedHost(folder, cell, await pathOfNode(cell.node));
  }

  /** Installs another version of a package against the range of peers. */
  async replace(name: string, version: string): Promise<void> {
    await told(
      'npm',
      ['install', '--no-save', '--legacy-peer-deps', '--no-audit', `${name}@${version}`],
      this.folder,
    );
  }

  async compile(): Promise<void> {
    await told(this.node, ['node_modules/typescript/bin/tsc'], this.folder);
  }

  /** @returns what it printed at the end of its mailing, and the lines of its log about the mailing. */
  async send(smtpUrl: string): Promise<{ printed: unknown; log: string[] }> {
    const env = { SMTP_URL: smtpUrl, DATABASE_FILE: ':memory:' };
    const { stdout, stderr } = await told(this.node, ['dist/main.js'], this.folder, env);
    if (stderr) throw new Error(stderr);
    const lines = stdout.split('\n');
    return {
      printed: JSON.parse(lines.findLast((line) => line.startsWith('{')) as string),
      log: lines.filter((line) => line.includes('[Mailing]')),
    };
  }

  async test(): Promise<void> {
    const program =
      this.cell.runner === 'vitest'
        ? ['node_modules/vitest/vitest.mjs', 'run']
        : ['node_modules/jest/bin/jest.js'];
    await told(this.node, program, this.folder);
  }
}

/** Node of this version, from the registry unless it runs this. */
async function pathOfNode(version: number): Promise<string> {
  if (process.versions.node.startsWith(`${version}.`)) return process.execPath;
  const words = ['--yes', '--package', `node@${version}`, '--', 'node', '-p', 'process.execPath'];
  return (await run('npx', words)).stdout.trim();
}

async function told(
  program: string,
  words: string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<{ stdout: string; stderr: string }> {
  try {
    return await run(program, words, {
      cwd,
      env: { ...process.env, NODE_ENV: '', ...env },
      maxBuffer: 10_000_000,
    });
  } catch (error) {
    const { stdout, stderr } = error as ExecFileException;
    throw new Error(`${program} ${words.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}
