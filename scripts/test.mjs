// Builds (end-to-end tests start processes of dist/), runs Vitest with the arguments given, and ends its output with
// one plain line, "N passed, N failed", that people and programs can read alike.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Minutes of a worker that a project may take where three of them share two cores. What is above it is told, and fails nothing: how long a test takes is
 * no property of the code.
 */
const BUDGET_MINUTES = { unit: 1, databases: 25, exhaustive: 3, servers: 8, process: 40, package: 3 };

let running;
// The child ends itself on Ctrl-C, which the whole group hears; everything else is passed on. We stay for the line.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => running?.kill(signal));

const directory = mkdtempSync(join(tmpdir(), 'mailing-tally-'));
try {
  const isBuilt = (await run('npm', ['run', '--silent', 'build:hosts'])) === 0;
  if (!isBuilt) process.stderr.write('The build failed; no test was run.\n');
  report(isBuilt ? await test(join(directory, 'tally.json')) : { passed: 0, failed: 1, skipped: 0 });
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function test(file) {
  const code = await run(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--reporter=default',
      '--reporter=./scripts/tally.reporter.mjs',
      ...process.argv.slice(2),
    ],
    { MAILING_TALLY_FILE: file },
  );
  const tally = read(file);
  // Nothing passed is no success, and neither is a run that Vitest itself calls a failure.
  if (tally.failed === 0 && (code !== 0 || tally.passed === 0)) tally.failed = 1;
  return tally;
}

async function run(command, args, env) {
  running = spawn(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  const [code] = await once(running, 'exit');
  return code;
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

function report({ passed, failed, skipped, projects = {} }) {
  for (const [name, { files, tests, workerMs }] of Object.entries(projects)) {
    const minutes = workerMs / 60_000;
    const over = minutes > BUDGET_MINUTES[name] ? `, over its budget of ${BUDGET_MINUTES[name]}` : '';
    console.log(`${name}: ${tests} tests in ${files} files, ${minutes.toFixed(1)} min of a worker${over}`);
  }
  process.exitCode = failed === 0 ? 0 : 1;
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
}
