import type { Socket } from 'node:net';
import SmtpConnection from 'nodemailer/lib/smtp-connection';
import type { SmtpLogin } from './smtp.login.js';

/** How to reach the mail server. */
export interface SmtpConnectorOptions {
  /** Options of nodemailer's SMTP transport. */
  connection: SmtpConnection.Options;
  /** Null: no login. */
  login: SmtpLogin | null;
}

/** A connection that is secured and logged in, with no command in flight. */
export interface OpenedConnection {
  socket: Socket;
  features: SmtpFeatures;
}

/** Extensions that the server offers. */
export interface SmtpFeatures {
  /** RFC 2920. */
  pipelining: boolean;
  /** RFC 6152. */
  eightBit: boolean;
  /** RFC 6531. */
  smtpUtf8: boolean;
}

/** Private fields of nodemailer's connection. */
interface Insides {
  _socket?: Socket;
  _supportedExtensions?: string[];
  /** Replies that have arrived and are not processed yet. */
  _responseQueue?: unknown[];
  _remainder?: string;
  _destroyed?: boolean;
  [handler: string]: unknown;
}

const HANDLERS: Record<string, string[]> = {
  data: ['_onSocketData'],
  error: ['_onSocketError', '_onConnectionSocketError'],
  close: ['_onSocketClose'],
  end: ['_onSocketEnd'],
  timeout: ['_onSocketTimeout'],
};

/**
 * Opens a connection with nodemailer: name look-up, TLS, STARTTLS and every kind of login. Then takes the socket from nodemailer, which sends one
 * message at a time and makes a stream for each.
 *
 * @throws what nodemailer reports; the reason of `signal`; Error if nodemailer does not expose its socket, or the server has sent more than it
 * was asked.
 */
export async function connectToSmtp(
  options: SmtpConnectorOptions,
  signal: AbortSignal,
): Promise<OpenedConnection> {
  signal.throwIfAborted();
  const connection = new SmtpConnection(options.connection);
  let giveUp = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      giveUp = () => reject(signal.reason as Error);
      signal.addEventListener('abort', giveUp, { once: true });
      connection.on('error', reject);
      connection.once('end', () => reject(new Error('The mail server hung up.')));
      connection.connect((error) => {
        if (error) return reject(error);
        const { login } = options;
        if (!login || !(connection.allowsAuth || login.isForced)) return resolve();
        connection.login(login.toAuth(), (refusal) => (refusal ? reject(refusal) : resolve()));
      });
    });
    return takeOver(connection);
  } catch (error) {
    connection.close();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

function takeOver(connection: SmtpConnection): OpenedConnection {
  const insides = connection as unknown as Insides;
  const { _socket: socket, _supportedExtensions: extensions } = insides;
  if (!socket || !extensions) {
    throw new Error('This version of nodemailer keeps its connections to itself: take bulkSmtp away.');
  }
  // A reply that answers no command would be matched to the first command.
  if ((insides._responseQueue?.length ?? 0) > 0 || insides._remainder) {
    throw new Error('The mail server says more than it was asked.');
  }
  // nodemailer must never touch the socket again, not even by a callback that is still pending.
  insides._destroyed = true;
  connection.removeAllListeners();
  connection.on('error', () => undefined);
  for (const [event, names] of Object.entries(HANDLERS)) {
    for (const name of names) socket.removeListener(event, insides[name] as () => void);
  }
  socket.setTimeout(0);
  socket.setNoDelay(true);
  const offers = (name: string): boolean => extensions.includes(name);
  return {
    socket,
    features: {
      pipelining: offers('PIPELINING'),
      eightBit: offers('8BITMIME'),
      smtpUtf8: offers('SMTPUTF8'),
    },
  };
}
