import { randomInt } from 'node:crypto';
import type { Topology } from './database-cluster.js';
import { DRILL_NAMES, type DrillName } from './drill.js';
import { decimal, listOf, parseWords, wholeNumber, word } from '../support/run-options.js';
import { STARTABLE } from './topologies.js';

export interface DrillsOptions {
  minutes: number;
  seed: number;
  topologies: Topology[];
  drills: DrillName[];
  /** Null: a temporary folder, removed at the end. */
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

/** A short session has one cluster of each database, and none that may lose commits. */
const NOT_SHORT: readonly Topology[] = [
  'group-replication-multi-primary',
  'postgres-asynchronous',
  'mariadb-asynchronous',
];

/** @throws RunUsageError naming the option, what it should be, and what it was. */
export function parseDrillsOptions(args: string[]): DrillsOptions {
  const values = parseWords(
    args,
    {
      minutes: word('60'),
      seed: { type: 'string' },
      topology: { type: 'string' },
      drill: { type: 'string' },
      logs: { type: 'string' },
      short: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
    USAGE,
  );
  const { minutes, seed, topology, drill, logs = null, short, json } = values;
  const all = short ? STARTABLE.filter((one) => !NOT_SHORT.includes(one)) : STARTABLE;
  return {
    minutes: decimal('minutes', minutes, 0.01, 10_000, USAGE),
    seed: seed === undefined ? randomInt(1, 1_000_000) : wholeNumber('seed', seed, 0, 2 ** 32 - 1, USAGE),
    topologies: topology === undefined ? [...all] : listOf('topology', topology, STARTABLE, USAGE),
    drills: drill === undefined ? [...DRILL_NAMES] : listOf('drill', drill, DRILL_NAMES, USAGE),
    logs,
    short,
    json,
  };
}
