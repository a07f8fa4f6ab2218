// Runs the tests of the databases with another TypeORM, in a copy of this folder: node scripts/test-typeorm.mjs 0.3.31 [arguments of Vitest].
import { inProjectCopy, QUIETLY } from './project-copy.mjs';

const [version = '0.3.31', ...args] = process.argv.slice(2);

await inProjectCopy(async (_folder, run) => {
  await run('npm', 'ci', ...QUIETLY);
  await run('npm', 'install', '--no-save', ...QUIETLY, `typeorm@${version}`);
  await run('npx', 'tsc', '--noEmit', '-p', '.');
  const projects = ['--project', 'databases', '--project', 'servers'];
  await run('npx', 'vitest', 'run', ...projects, ...args);
});
