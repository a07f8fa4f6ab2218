// Builds (the hosts come from dist/) and runs the drills on clusters with the arguments given. Its exit
// code is theirs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

let running;
// The child ends itself on Ctrl-C, which the whole group hears; everything else is passed on.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => running?.kill(signal));

process.exitCode =
  (await run('npm', ['run', '--silent', 'build'])) ||
  (await run(process.execPath, [
    '--import',
    'tsx',
    'test/clusters/drills.process.ts',
    ...process.argv.slice(2),
  ]));

async function run(command, args) {
  running = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(running, 'exit');
  return code ?? 1;
}
