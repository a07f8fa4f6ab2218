import { readdir, readFile } from 'node:fs/promises';
import { cpus } from 'node:os';

/** On Linux, the same on every machine that Node supports. */
const MS_PER_TICK = 10;

interface Stat {
  parent: number;
  ms: number;
}

/**
 * Processor time of a process and its children, ended ones included, because PostgreSQL has a process for each connection.
 *
 * @returns null on systems other than Linux.
 */
export async function cpuMsOf(pid: number | undefined): Promise<number | null> {
  const stats = new Map<number, Stat>();
  const entries = await readdir('/proc').catch((): string[] => []);
  for (const entry of entries.filter((name) => /^\d+$/.test(name))) {
    const text = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => null);
    if (text !== null) stats.set(Number(entry), parseStat(text));
  }
  if (pid === undefined || !stats.has(pid)) return null;
  let ms = 0;
  const open = [pid];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    ms += stats.get(one)?.ms ?? 0;
    for (const [child, { parent }] of stats) if (parent === one) open.push(child);
  }
  return ms;
}

/** A line of `/proc/<pid>/stat`: the name of the program, in brackets, may contain blanks and brackets. */
export function parseStat(line: string): Stat {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  // User and system time of its own, then of its ended children.
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { parent: Number(fields[1]), ms: ticks * MS_PER_TICK };
}

/** Of all cores since the start of the machine. */
export interface MachineTimes {
  busyMs: number;
  idleMs: number;
}

export function machineTimes(): MachineTimes {
  const times = { busyMs: 0, idleMs: 0 };
  for (const {
    times: { idle, ...busy },
  } of cpus()) {
    times.idleMs += idle;
    for (const ms of Object.values(busy)) times.busyMs += ms;
  }
  return times;
}

/** The share of busy cores between two readings; null if no time has passed. */
export function busyShare(before: MachineTimes, after: MachineTimes): number | null {
  const busyMs = after.busyMs - before.busyMs;
  const allMs = busyMs + after.idleMs - before.idleMs;
  return allMs > 0 ? busyMs / allMs : null;
}
