import type { Wait } from '../pacing/wait.js';
import type { TransportMonitor } from './transport.monitor.js';

/** What a run waits for. */
export interface RunWaits {
  isPersisted: boolean;
  now: Wait;
  /** What is out of reach, also while it is being tried again. */
  outage: Wait | null;
}

/** How a run stands that nothing keeps waiting. */
export interface UnhinderedRun {
  mayStart: boolean;
  inFlight: number;
  queued: number;
  /** By `performance.now()`. */
  committedAt: number;
}

/** @param others what may keep the run waiting, in the order in which they are asked; the transport comes after them. */
export function waitsOf(
  isPersisted: boolean,
  run: UnhinderedRun,
  transport: Pick<TransportMonitor, 'wait' | 'outage'>,
  ...others: { readonly wait: Wait | null }[]
): RunWaits {
  const [now = orderlyWait(run)] = [...others, transport].flatMap(({ wait }) => (wait ? [wait] : []));
  return { isPersisted, now, outage: transport.outage };
}

/** While neither the host, nor the database, nor the transport keeps it waiting. */
function orderlyWait({ mayStart, inFlight, queued, committedAt: since }: UnhinderedRun): Wait {
  if (!mayStart) return { what: 'its lease, which a heartbeat has to renew', since };
  if (inFlight > 0) return { what: `${inFlight} message(s) that are being rendered or sent`, since };
  if (queued > 0) return { what: 'the rate that is set for messages', since };
  return { what: 'the next attempt of recipients that were refused for now', since };
}
