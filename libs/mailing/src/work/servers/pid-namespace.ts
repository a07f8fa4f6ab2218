import { readFileSync, readlinkSync } from 'node:fs';
import { isMainThread, threadId } from 'node:worker_threads';

/**
 * Names the namespace within which process ids can be compared. The same text in two processes of one host means that each can find the other by its
 * pid.
 *
 * A host name does not tell that. Two containers that share the network of their host have its name, and each counts its pids from 1. Each would
 * mistake the other, which has the same pid, for its own process before a restart. So on Linux the name is the boot of the kernel plus the pid
 * namespace; the number of a namespace is reused only after its last process has ended. On other systems there are no pid namespaces, and the
 * system's name is enough. Threads of one process share its pid and end one by one, so each worker thread is a namespace of its own.
 *
 * @returns null if it can't be read: then only the lease shows whether a process lives.
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

/** Whether the name distinguishes one boot of the machine from another. */
export function namesBoot(pidNamespace: string | null): pidNamespace is string {
  return pidNamespace !== null && process.platform === 'linux';
}
