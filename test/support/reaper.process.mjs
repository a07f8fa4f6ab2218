// Runs beside a test run and outlives it: when the pipe on stdin closes, for whatever reason and be it a SIGKILL of
// the run, it kills the processes it was told of that are still there, and removes the directories of its arguments.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** Processes of other users can't be killed. */
const MAX_ROUNDS = 250;
const directories = process.argv.slice(2);
const pids = new Set();

for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  if (line.startsWith('+')) pids.add(pid);
  else pids.delete(pid);
}

for (const pid of pids) signal(pid, 'SIGKILL');
while ([...pids].some((pid) => signal(pid, 0))) await sleep(20);
// What makes the data of a server is no child of ours, and would make the directory again.
for (let round = 0; round < MAX_ROUNDS; round++) {
  const others = users();
  if (others.length === 0) break;
  for (const pid of others) signal(pid, 'SIGKILL');
  await sleep(20);
}
// Retries: a server that another reaper is about to kill may still write there.
const removal = { recursive: true, force: true, maxRetries: 20, retryDelay: 50 };
for (const directory of directories) rmSync(directory, removal);

/** Processes whose command line names one of the directories, except reapers. Their names are unique. */
function users() {
  try {
    const all = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n');
    return all
      .filter((line) => directories.some((one) => line.includes(one)) && !line.includes('reaper.process'))
      .map((line) => Number.parseInt(line, 10));
  } catch {
    return [];
  }
}

function signal(pid, name) {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
