import type { StartCluster, Topology } from './database-cluster.js';
import { startGalera } from './galera.cluster.js';

/** What can be started. A topology that is not here is not drilled, and the command line refuses its name. */
export const START: Partial<Record<Topology, StartCluster>> = {
  galera: () => startGalera(),
};

export const STARTABLE = Object.keys(START) as Topology[];
