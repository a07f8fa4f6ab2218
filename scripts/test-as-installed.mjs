// Runs the whole suite with what a host gets: no `overrides`, which npm heeds in the root project only, and no lock file. In a copy of this folder;
// arguments are those of Vitest.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inProjectCopy, QUIETLY } from './project-copy.mjs';

await inProjectCopy(async (folder, run) => {
  const file = join(folder, 'package.json');
  const { overrides, ...manifest } = JSON.parse(readFileSync(file, 'utf8'));
  console.log(`Without overrides of ${Object.keys(overrides).join(', ')}`);
  writeFileSync(file, JSON.stringify(manifest, null, 2));
  rmSync(join(folder, 'package-lock.json'));
  await run('npm', 'install', ...QUIETLY);
  await run('npm', 'ls', 'file-type', 'preview-email');
  await run('npm', 'test', '--', ...process.argv.slice(2));
});
