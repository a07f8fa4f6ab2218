import type { Transporter } from 'nodemailer';

/** What is under a transporter; nodemailer's own, or one of the host's making. */
interface Transport {
  name?: string;
  options?: Record<string, unknown>;
  verify?(): unknown;
}

/**
 * Asks a transporter whether it would take messages now: connects, secures and logs in as for a message, and says QUIT.
 *
 * nodemailer does it over a connection of its own, so no place in a pool is taken. But its patience is that of a message
 * (10 minutes of silence), and what it has opened nobody else can close. So it is asked through a double of the transport
 * whose every wait is half of `timeoutMs` at the most: a connection that is not answered ends by itself, whoever still waits.
 *
 * @returns null if it would, or if it can't be asked.
 * @throws what the transport says, or an error when `timeoutMs` have passed.
 */
export async function verifyTransporter(transporter: Transporter, timeoutMs: number): Promise<null> {
  const transport = transporter.transporter as Transport;
  if (typeof transport.verify !== 'function') return null;
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([impatient(transporter, transport, timeoutMs / 2).verify?.(), tooLate]);
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** A double: all of it is the transport's, but the options. One that is not nodemailer's SMTP is taken as it is. */
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
        // From the look-up of the name to the end of the handshake, the greeting included.
        connectionTimeout: shorter('connectionTimeout'),
        socketTimeout: shorter('socketTimeout'),
        // Not to wait for the server's part of the farewell.
        socketCloseTimeout: 0,
      },
    },
  };
  // The way through a proxy is kept by the transporter until its first message.
  const { getSocket } = transporter as { getSocket?: unknown };
  if (typeof getSocket === 'function') changes.getSocket = { value: getSocket };
  return Object.create(transport, changes) as Transport;
}
