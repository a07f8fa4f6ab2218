// Bundles the programs that tests start and kill, each from the build, into dist/test/hosts: a host that reads one file starts in half the time of
// one that reads two thousand. What is bundled is what tsc made of the sources; test/package and the demo run the build as it is.
import { readdirSync, symlinkSync } from 'node:fs';
import { join, parse, resolve } from 'node:path';
import { rolldown } from 'rolldown';

const PROGRAMS = 'test/crash/processes';
// As deep as PROGRAMS, so that a program finds dist/ by the same relative path.
const OUTPUT = 'dist/test/hosts';
// It loads its own native code by a path.
const EXTERNAL = /^(libsql|@libsql\/.*|better-sqlite3|pg-native)$/;

const programs = readdirSync(PROGRAMS).filter((name) => name.endsWith('.process.mjs'));
const input = { main: 'dist/src/main.js' };
for (const program of programs) input[parse(program).name] = join(PROGRAMS, program);

const bundle = await rolldown({
  input,
  platform: 'node',
  external: EXTERNAL,
  treeshake: false,
  onLog(level, log, report) {
    // TypeORM and Nest ask for packages that a host may not have.
    if (log.code !== 'UNRESOLVED_IMPORT') report(level, log);
  },
});
await bundle.write({
  dir: OUTPUT,
  format: 'esm',
  entryFileNames: '[name].mjs',
  chunkFileNames: '[name].mjs',
});
await bundle.close();
symlinkSync(resolve('dist/src/newsletter'), join(OUTPUT, 'newsletter'), 'junction');
