// Runs beside a test run and outlives it: when the pipe on stdin closes, for whatever reason and be it a SIGKILL of
// the run, it kills the processes it was told of that are still there, and removes the directories of its arguments.
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const directories = process.argv.slice(2);
const pids = new Set();

for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  if (line.startsWith('+')) pids.add(pid);
  else pids.delete(pid);
}

for (const pid of pids) signal(pid, 'SIGKILL');
while ([...pids].some((pid) => signal(pid, 0))) await sleep(20);
// Retries: a server that another reaper is about to kill, or what made its data, may still write there.
const removal = { recursive: true, force: true, maxRetries: 20, retryDelay: 50 };
for (const directory of directories) rmSync(directory, removal);

function signal(pid, name) {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
