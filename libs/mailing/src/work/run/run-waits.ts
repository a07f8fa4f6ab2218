import type { Wait } from '../pacing/wait.js';
import type { TransportMonitor } from './transport.monitor.js';

/** What a run waits for. */
export interface RunWaits {
  isPersisted: boolean;
  now: Wait;
  /** What is unreachable, also while it is being tried again. */
  outage: Wait | null;
}

/** The state of a run that waits for neither the host, nor the database, nor the transport. */
export interface UnhinderedRun {
  mayStart: boolean;
  inFlight: number;
  queued: number;
  /** By `performance.now()`. */
  committedAt: number;
}

/** @param others what else may block the run, in this order; the transport comes after them. */
export function waitsOf(
  isPersisted: boolean,
  run: UnhinderedRun,
  transport: Pick<TransportMonitor, 'wait' | 'outage'>,
  ...others: { readonly wait: Wait | null }[]
): RunWaits {
  const [now = orderlyWait(run)] = [...others, transport].flatMap(({ wait }) => (wait ? [wait] : []));
  return { isPersisted, now, outage: transport.outage };
}

/** What a run waits for if neither the host, nor the database, nor the transport blocks it. */
function orderlyWait({ mayStart, inFlight, queued, committedAt: since }: UnhinderedRun): Wait {
  if (!mayStart) return { what: 'its lease, which a heartbeat has to renew', since };
  if (inFlight > 0) return { what: `${inFlight} message(s) that are being rendered or sent`, since };
  if (queued > 0) return { what: 'the rate that is set for messages', since };
  return { what: 'the next attempt of recipients that were refused for now', since };
}
