import type { RedisOptions } from 'bullmq';

const CONNECT_MS = 5_000;
const MAX_RETRY_MS = 1_000;
/** Refusals of one moment: a read-only Redis refuses all commands of a transaction at once. */
const REFUSALS_MS = 100;

/** A Redis that comes back is needed soon, and one attempt per second costs nothing. */
function retryStrategy(times: number): number {
  return Math.min(50 * times, MAX_RETRY_MS);
}

/**
 * Reconnects, to whatever is at the address now, if Redis has become a replica: it answers, reads, and refuses each write, on connections
 * that stay open after a failover. It reconnects once for all refusals of one moment, because ioredis would close the connection for each.
 */
function reconnectFromReplica(): (error: Error) => boolean {
  let quietUntil = 0;
  return ({ message }) => {
    if (!message.includes('READONLY') || performance.now() < quietUntil) return false;
    quietUntil = performance.now() + REFUSALS_MS;
    return true;
  };
}

/** For single commands: each fails at once while Redis is away, and none is sent later. */
export function promptConnection(connection: RedisOptions): RedisOptions {
  return {
    ...reconnecting(connection),
    lazyConnect: false,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // The check asks Redis once; if the connection is lost at that moment, it would never become ready. Workers do the check.
    skipVersionCheck: true,
  };
}

/** For a worker, which blocks while it waits for jobs; BullMQ demands that its commands survive a reconnection. */
export function workerConnection(connection: RedisOptions): RedisOptions {
  return {
    ...reconnecting(connection),
    lazyConnect: false,
    enableOfflineQueue: true,
    maxRetriesPerRequest: null,
  };
}

function reconnecting(connection: RedisOptions): RedisOptions {
  return {
    connectTimeout: CONNECT_MS,
    ...connection,
    retryStrategy,
    reconnectOnError: reconnectFromReplica(),
  };
}
