import type { StartCluster, Topology } from './database-cluster.js';
import { startGalera } from './nodes/galera.cluster.js';
import { startGroupReplication } from './nodes/group-replication.cluster.js';
import { startAsynchronousMariaDb } from './nodes/mariadb-asynchronous.cluster.js';
import { startAsynchronousPostgres, startSynchronousPostgres } from './nodes/postgres.cluster.js';

/** The known topologies. The command line refuses all other names. */
export const START: Partial<Record<Topology, StartCluster>> = {
  galera: () => startGalera(),
  'group-replication': () => startGroupReplication(),
  'group-replication-multi-primary': () => startGroupReplication({ isMultiPrimary: true }),
  'postgres-synchronous': startSynchronousPostgres,
  'postgres-asynchronous': startAsynchronousPostgres,
  'mariadb-asynchronous': startAsynchronousMariaDb,
};

export const STARTABLE = Object.keys(START) as Topology[];
