import type { Transporter } from 'nodemailer';
import { answerWithin } from '../../model/values/deadline.js';

/** The transport of a transporter: nodemailer's, or a host's own. */
interface Transport {
  name?: string;
  options?: Record<string, unknown>;
  verify?(): unknown;
}

/**
 * Asks a transporter whether it would accept messages now: connects, secures and logs in as for a message, and says QUIT.
 *
 * nodemailer verifies over a separate connection, so none of a pool is used. But its timeouts are those of a message (10 minutes of silence), and
 * no other code can close that connection. So `verify` runs on a derived transport whose timeouts are at most half of `timeoutMs`: an unanswered
 * connection ends by itself.
 *
 * @returns null if it would, or if it can't be asked.
 * @throws what the transport reports, or an error when `timeoutMs` have passed.
 */
export async function verifyTransporter(transporter: Transporter, timeoutMs: number): Promise<null> {
  const transport = transporter.transporter as Transport;
  if (typeof transport.verify !== 'function') return null;
  const verified = impatient(transporter, transport, timeoutMs / 2).verify?.();
  await answerWithin(verified, timeoutMs, () => new Error(`no answer within ${timeoutMs} ms`));
  return null;
}

/** A transport that inherits everything but its options. A transport other than nodemailer's SMTP is used unchanged. */
function impatient(
  transporter: Transporter,
  transport: Transport,
  waitMs: number,
): Pick<Transport, 'verify'> {
  if (!transport.options || !/^SMTP\b/.test(transport.name ?? '')) return transporter;
  const { options } = transport;
  const shorter = (name: string): number => Math.min(Number(options[name]) || Infinity, waitMs);
  const changes: PropertyDescriptorMap = {
    options: {
      value: {
        ...options,
        // From the name look-up to the end of the handshake, including the greeting.
        connectionTimeout: shorter('connectionTimeout'),
        socketTimeout: shorter('socketTimeout'),
        // Do not wait for the server to close its side.
        socketCloseTimeout: 0,
      },
    },
  };
  // Until its first message, only the transporter knows the way through a proxy.
  const { getSocket } = transporter as { getSocket?: unknown };
  if (typeof getSocket === 'function') changes.getSocket = { value: getSocket };
  return Object.create(transport, changes) as Transport;
}
