import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { blocksOf, toModule } from '../support/hosts/page-examples.js';

interface Example {
  file: string;
  code: string;
}

async function examples(): Promise<Example[]> {
  const root = 'libs';
  const files = (await readdir(root, { recursive: true })).filter((file) => file.endsWith('.ts'));
  const found: Example[] = [];
  for (const file of files) {
    const source = await readFile(join(root, file), 'utf8');
    for (const [, block] of source.matchAll(/@example\s*\n\s*\* ```ts\n([\s\S]*?)\* ```/g)) {
      found.push({ file, code: block.replace(/^ *\* ?/gm, '') });
    }
  }
  const pages = (await readdir('docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file));
  for (const file of ['README.md', ...pages]) {
    for (const code of await blocksOf(file, 'ts')) found.push({ file, code });
  }
  return found;
}

it('every @example compiles, and every block of the pages', async () => {
  const all = await examples();
  expect(all.length).toBeGreaterThanOrEqual(6);
  const folder = join('test/package', `.examples-${process.pid}`);
  await mkdir(folder, { recursive: true });
  try {
    const files = all.map((_, n) => join(folder, `example-${n}.ts`));
    await Promise.all(all.map((example, n) => writeFile(files[n], toModule(example.code))));
    const { config } = ts.readConfigFile('tsconfig.json', (path) => ts.sys.readFile(path)) as {
      config: object;
    };
    const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files }, ts.sys, '.');
    const program = ts.createProgram(files, {
      ...options,
      noEmit: true,
      incremental: false,
      tsBuildInfoFile: undefined,
    });
    const complaints = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
      const n = files.findIndex((one) => file?.fileName.endsWith(one));
      return `${all[n]?.file ?? file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
    expect(complaints).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);
