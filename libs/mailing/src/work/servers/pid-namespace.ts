import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { isMainThread, threadId } from 'node:worker_threads';

type Interfaces = ReturnType<typeof networkInterfaces>;

const NO_MAC = '00:00:00:00:00:00';

/**
 * Names the namespace within which process ids can be compared. The same text in two processes of one host means that each can find the other by its
 * pid.
 *
 * A host name does not tell that. Two containers that share the network of their host have its name, and each counts its pids from 1. Each would
 * mistake the other, which has the same pid, for its own process before a restart. So on Linux the name is the boot of the kernel plus the pid
 * namespace; the number of a namespace is reused only after its last process has ended. Threads of one process share its pid and end one by one, so
 * each worker thread is a namespace of its own.
 *
 * Other systems have no such file. There two machines, or two Windows containers, that have been given one host name are told apart by the hardware
 * addresses of their networks. A network that comes or goes changes the name; then only the lease shows whether a process lives, which takes longer
 * and is never wrong.
 *
 * @returns null if it can't be read, or there is no network: then only the lease shows whether a process lives.
 */
export function readPidNamespace(
  platform: NodeJS.Platform = process.platform,
  interfaces: () => Interfaces = networkInterfaces,
): string | null {
  const thread = isMainThread ? '' : `/thread:${threadId}`;
  try {
    const machine = platform === 'linux' ? linuxNamespace() : machineOf(platform, interfaces());
    return machine === null ? null : `${machine}${thread}`;
  } catch {
    return null;
  }
}

/** Whether the name distinguishes one boot of the machine from another. */
export function namesBoot(pidNamespace: string | null): pidNamespace is string {
  return pidNamespace !== null && process.platform === 'linux';
}

function linuxNamespace(): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `${boot}/${readlinkSync('/proc/self/ns/pid')}`;
}

/** Only networks with an IPv4 address: the others that macOS makes for itself change their hardware addresses from hour to hour. */
function machineOf(platform: NodeJS.Platform, interfaces: Interfaces): string | null {
  const networks = Object.values(interfaces).flatMap((addresses) => addresses ?? []);
  const macs = networks.flatMap(({ family, internal, mac }) =>
    family === 'IPv4' && !internal && mac !== NO_MAC ? [mac] : [],
  );
  if (macs.length === 0) return null;
  const known = [...new Set(macs)].sort((a, b) => (a < b ? -1 : 1)).join();
  return `${platform}/${createHash('sha256').update(known).digest('hex').slice(0, 32)}`;
}
