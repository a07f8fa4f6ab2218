import type { OnApplicationBootstrap } from '@nestjs/common';

/**
 * Work that this server repeats while it is a member: it finds what a crash, an outage or another server has left. Each sweep registers itself when the
 * application starts, as a task after each heartbeat.
 */
export interface Sweep extends OnApplicationBootstrap {
  /** Sweeps once. */
  sweep(): Promise<unknown>;
}
