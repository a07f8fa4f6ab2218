import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mailingEntities } from 'nestjs-mailing';
import { getMetadataArgsStorage } from 'typeorm';
import { describe, expect, it } from 'vitest';

const PAGES = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  ...(await readdir('docs', { recursive: true }))
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];

describe.each(PAGES)('%s', (page) => {
  it('names files and folders of ours that are there', async () => {
    const named = [
      ...(await readFile(page, 'utf8')).matchAll(/`((?:test|docs|libs|src|bench)\/[\w./-]+\.\w+)`/g),
    ];
    expect(named.map(([, path]) => path).filter((path) => !existsSync(path))).toEqual([]);
  });

  it('leads to pages that are there', async () => {
    const links = [...(await readFile(page, 'utf8')).matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)];
    const paths = links.map(([, path]) => join(dirname(page), path));
    expect(paths.filter((path) => !existsSync(path))).toEqual([]);
  });
});

it('ARCHITECTURE.md answers twenty questions, each with a file of the library', async () => {
  const [, questions] = (await readFile('ARCHITECTURE.md', 'utf8')).split('## Where is it?');
  const answers = [...questions.matchAll(/^\| [^|]+\? +\| `(libs\/mailing\/src\/[\w./-]+)` +\|$/gm)];
  expect(answers).toHaveLength(20);
  expect(answers.filter(([, path]) => !existsSync(path))).toEqual([]);
});

it('docs/setup.md names each table that the migrations make', async () => {
  const [, listed] = /They make twelve tables: ([\s\S]*?)\. /.exec(await readFile('docs/setup.md', 'utf8'))!;
  const named = [...listed.matchAll(/`(\w+)`/g)].map(([, table]) => table);
  const tables = getMetadataArgsStorage().tables.filter(({ target }) =>
    mailingEntities.includes(target as never),
  );
  expect(named.sort()).toEqual(tables.map(({ name }) => name).sort());
});
