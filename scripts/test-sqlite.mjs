// The tests that need no server. Sets the variable here, because shells differ in how they do.
import { spawn } from 'node:child_process';

const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', '--project', 'databases'];
const child = spawn(process.execPath, [...vitest, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, MAILING_TEST_DATABASES: 'sqlite' },
});
child.on('exit', (code) => (process.exitCode = code ?? 1));
