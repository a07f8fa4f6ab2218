import type { StartCluster, Topology } from './database-cluster.js';
import { startGalera } from './nodes/galera.cluster.js';
import { startGroupReplication } from './nodes/group-replication.cluster.js';
import { startAsynchronousMariaDb } from './nodes/mariadb-asynchronous.cluster.js';
import { startAsynchronousPostgres, startSynchronousPostgres } from './nodes/postgres.cluster.js';

/** What can be started. A topology that is not here is not drilled, and the command line refuses its name. */
export const START: Partial<Record<Topology, StartCluster>> = {
  galera: () => startGalera(),
  'group-replication': () => startGroupReplication(),
  'group-replication-multi-primary': () => startGroupReplication({ isMultiPrimary: true }),
  'postgres-synchronous': startSynchronousPostgres,
  'postgres-asynchronous': startAsynchronousPostgres,
  'mariadb-asynchronous': startAsynchronousMariaDb,
};

export const STARTABLE = Object.keys(START) as Topology[];
