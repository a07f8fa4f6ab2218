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
  'SECURITY.md',
  'UPGRADING.md',
  'test/README.md',
  ...(await readdir('docs', { recursive: true }))
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];

const { files: PACKED } = JSON.parse(await readFile('package.json', 'utf8')) as { files: string[] };

function isPacked(path: string): boolean {
  return PACKED.some((entry) => path === entry || path.startsWith(`${entry}/`));
}

describe.each(PAGES)('%s', (page) => {
  it('names files and folders of ours that are there', async () => {
    const named = [
      ...(await readFile(page, 'utf8')).matchAll(/`((?:test|docs|libs|src|bench)\/[\w./-]+\.\w+)`/g),
    ];
    expect(named.map(([, path]) => path).filter((path) => !existsSync(path))).toEqual([]);
  });

  it('leads to pages and headings that are there', async () => {
    const links = [...(await readFile(page, 'utf8')).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)/g)];
    const wrong: string[] = [];
    for (const [, target, anchor] of links) {
      const path = target ? join(dirname(page), target) : page;
      if (!existsSync(path)) wrong.push(target);
      else if (anchor && !(await anchorsOf(path)).has(anchor)) wrong.push(`${target}#${anchor}`);
    }
    expect(wrong).toEqual([]);
  });
});

it.each(PAGES.filter((page) => page === 'README.md' || isPacked(page)))(
  '%s leads to no file that the package does not have',
  async (page) => {
    const links = [...(await readFile(page, 'utf8')).matchAll(/\]\((?!https?:)([^)#\s]+)/g)];
    const targets = links.map(([, target]) => join(dirname(page), target));
    expect(targets.filter((target) => target !== 'README.md' && !isPacked(target))).toEqual([]);
  },
);

it('docs/README.md names each page of docs once', async () => {
  const index = await readFile('docs/README.md', 'utf8');
  const named = [...index.matchAll(/\]\(([\w/.-]+\.md)\)/g)].map(([, path]) => path);
  const pages = (await readdir('docs')).filter((file) => file.endsWith('.md') && file !== 'README.md');
  expect(named.filter((path) => !path.startsWith('..')).sort()).toEqual(
    [...pages, 'decisions/README.md'].sort(),
  );
});

it('ARCHITECTURE.md answers twenty questions, each with a file of the library', async () => {
  const [, questions] = (await readFile('ARCHITECTURE.md', 'utf8')).split('## Where is it?');
  const answers = [...questions.matchAll(/^\| [^|]+\? +\| `(libs\/mailing\/src\/[\w./-]+)` +\|$/gm)];
  expect(answers).toHaveLength(20);
  expect(answers.filter(([, path]) => !existsSync(path))).toEqual([]);
});

it('README.md requires what package.json does', async () => {
  const { engines, peerDependencies } = JSON.parse(await readFile('package.json', 'utf8')) as {
    engines: Record<string, string>;
    peerDependencies: Record<string, string>;
  };
  const rows = (await readFile('README.md', 'utf8')).split('\n');
  const rowOf = (what: string): string => rows.find((row) => row.startsWith(`| ${what} `)) ?? '';
  const required: [string, string][] = [
    ['Node', engines.node],
    ['NestJS', peerDependencies['@nestjs/common']],
    ['NestJS', peerDependencies['@nestjs/core']],
    ['TypeORM', peerDependencies.typeorm],
    ['TypeORM', peerDependencies['@nestjs/typeorm']],
    ['mailer', peerDependencies['@nestjs-modules/mailer']],
    ['mailer', peerDependencies.nodemailer],
  ];
  // `^0.3.20 || ^1.0.0` is told as 0.3.20 and 1.
  const versions = required.flatMap(([what, range]) =>
    [...range.matchAll(/\d+(?:\.\d+)*/g)].map(([version]) => [what, version.replace(/(\.0)+$/, '')]),
  );
  expect(
    versions.filter(
      ([what, version]) =>
        !` ${rowOf(what)}`.includes(` ${version} `) && !rowOf(what).includes(` ${version},`),
    ),
  ).toEqual([]);
});

it('docs/setup.md names each table that the migrations make', async () => {
  const [, listed] = /They make twelve tables: ([\s\S]*?)\. /.exec(await readFile('docs/setup.md', 'utf8'))!;
  const named = [...listed.matchAll(/`(\w+)`/g)].map(([, table]) => table);
  const tables = getMetadataArgsStorage().tables.filter(({ target }) =>
    mailingEntities.includes(target as never),
  );
  expect(named.sort()).toEqual(tables.map(({ name }) => String(name)).sort());
});

/** What GitHub makes of the headings of a page, to lead to. */
async function anchorsOf(path: string): Promise<Set<string>> {
  const words = (await readFile(path, 'utf8')).replace(/^```[\s\S]*?^```$/gm, '');
  const headings = [...words.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading);
  const anchors = new Set<string>();
  for (const heading of headings) {
    const anchor = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/ /g, '-');
    // A heading that stands twice gets a number, as on GitHub.
    let number = 0;
    while (anchors.has(number === 0 ? anchor : `${anchor}-${number}`)) number++;
    anchors.add(number === 0 ? anchor : `${anchor}-${number}`);
  }
  return anchors;
}
