// Builds (the hosts of benchmarks and of kill tests come from dist/) and runs the TypeScript program that the first argument names with the
// others. Its exit code is the program's.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const [program, ...args] = process.argv.slice(2);
let running;
// The child ends itself on Ctrl-C, which the whole group hears; everything else is passed on.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => running?.kill(signal));

process.exitCode =
  (await run('npm', ['run', '--silent', 'build:hosts'])) ||
  (await run(process.execPath, ['--import', 'tsx/esm', program, ...args]));

async function run(command, args) {
  running = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(running, 'exit');
  return code ?? 1;
}
