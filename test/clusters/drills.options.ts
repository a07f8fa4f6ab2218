import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Topology } from './database-cluster.js';
import { DRILL_NAMES, type DrillName } from './drill.js';
import { STARTABLE } from './topologies.js';

export interface DrillsOptions {
  minutes: number;
  seed: number;
  topologies: Topology[];
  drills: DrillName[];
  /** Null: a temporary one, removed at the end. */
  logs: string | null;
  short: boolean;
  json: boolean;
}

export const USAGE = `npm run test:clusters -- [options]
  --minutes M           how long drills are begun (60)
  --seed S              of all moments; printed, so that a session can be repeated
  --topology LIST       ${STARTABLE.join(', ')} (all)
  --drill LIST          ${DRILL_NAMES.join(', ')} (all)
  --logs FOLDER         where the hosts' logs are kept (removed at the end)
  --short               once through each topology, with the node in use killed once
  --json                the last line of stdout is one JSON object`;

/** A short session has one cluster of each kind, and none that may lose commits. */
const NOT_SHORT: readonly Topology[] = [
  'group-replication-multi-primary',
  'postgres-asynchronous',
  'mariadb-asynchronous',
];

/** The command line could not be understood. */
export class DrillsUsageError extends Error {}

/** @throws DrillsUsageError naming the option, what it should be, and what it was. */
export function parseDrillsOptions(args: string[]): DrillsOptions {
  const values = parse(args);
  const all = values.short ? STARTABLE.filter((one) => !NOT_SHORT.includes(one)) : STARTABLE;
  return {
    minutes: number('minutes', values.minutes, 0.01, 10_000),
    seed: values.seed === undefined ? randomInt(1, 1_000_000) : whole('seed', values.seed, 0, 2 ** 32 - 1),
    topologies: list('topology', values.topology, STARTABLE, all),
    drills: list('drill', values.drill, DRILL_NAMES, DRILL_NAMES),
    logs: values.logs ?? null,
    short: values.short,
    json: values.json,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        minutes: { type: 'string', default: '60' },
        seed: { type: 'string' },
        topology: { type: 'string' },
        drill: { type: 'string' },
        logs: { type: 'string' },
        short: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new DrillsUsageError(`${(error as Error).message}\n\n${USAGE}`);
  }
}

function list<T extends string>(
  option: string,
  text: string | undefined,
  known: readonly T[],
  standard: readonly T[],
): T[] {
  if (text === undefined) return [...standard];
  return text.split(',').map((word) => {
    const name = known.find((one) => one === word.trim());
    if (name === undefined) throw refused(option, `a list of ${known.join(', ')}`, text);
    return name;
  });
}

function number(option: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= low && value <= high) return value;
  throw refused(option, `a number from ${low} to ${high}`, text);
}

function whole(option: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= low && value <= high) return value;
  throw refused(option, `a whole number from ${low} to ${high}`, text);
}

function refused(option: string, expected: string, text: string): DrillsUsageError {
  return new DrillsUsageError(`--${option}: expected ${expected}, got "${text}".\n\n${USAGE}`);
}
