import { readFileSync, readlinkSync } from 'node:fs';
import { isMainThread, threadId } from 'node:worker_threads';

/**
 * Names the range within which process ids can be compared: the same text in two processes of one host means that each
 * would find the other by its pid.
 *
 * A host name does not say that. Two containers with the network of their host share its name, each counts its pids from 1,
 * and each would take the other, which has its very pid, for itself before a restart. So on Linux this is the boot of the
 * kernel and the pid namespace; a number of a namespace is given out again only after the last process in it has ended. On
 * other systems there are no pid namespaces, and the system's name will do. Threads of one process share its pid and end one
 * by one: each worker thread is a space of its own.
 *
 * @returns null if it can't be told: only the lease tells then.
 */
export function readPidNamespace(): string | null {
  const thread = isMainThread ? '' : `/thread:${threadId}`;
  if (process.platform !== 'linux') return `${process.platform}${thread}`;
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${readlinkSync('/proc/self/ns/pid')}${thread}`;
  } catch {
    return null;
  }
}

/** Whether it tells one boot of the machine from another. */
export function namesBoot(pidNamespace: string | null): pidNamespace is string {
  return pidNamespace !== null && process.platform === 'linux';
}
