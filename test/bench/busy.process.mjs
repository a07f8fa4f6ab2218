// An idle process with a child that keeps a core busy until its parent is gone.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

if (process.argv[2] === 'child') {
  process.on('disconnect', () => process.exit());
  const work = () => {
    const until = performance.now() + 20;
    while (performance.now() < until);
    setImmediate(work);
  };
  work();
} else {
  fork(fileURLToPath(import.meta.url), ['child']);
  process.send('ready');
  process.on('disconnect', () => process.exit());
}
