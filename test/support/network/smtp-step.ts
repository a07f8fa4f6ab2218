import type { ReceivedMessage } from './received-message.js';

/**
 * Where the server is about to answer. `DATA` is the command; `END` is the dot that ends the message. `STARTTLS` and
 * `AUTH` are off unless the inbox is told otherwise.
 */
export type SmtpCommand =
  'CONNECT' | 'EHLO' | 'HELO' | 'STARTTLS' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | 'END';

/** One moment of the dialogue, as a hook sees it. Addresses are ASCII. */
export interface SmtpStep {
  readonly command: SmtpCommand;
  /** 1 for the first connection of this inbox. */
  readonly connection: number;
  /** Envelope sender; empty before MAIL. */
  readonly from: string;
  /** Envelope recipients. At `RCPT` the last one is that of the command. */
  readonly to: readonly string[];
  /** At `END` only; the inbox has counted it already. */
  readonly message?: ReceivedMessage;
}

/**
 * The server's behaviour at a step:
 *
 * - undefined: it accepts, as it would without a hook;
 * - a code: it answers that, and refuses if it is 400 or more; with `cut`, it closes the connection before the end of that line;
 * - `hang`: it never answers, and keeps the connection;
 * - `close`: it closes the connection without an answer. At `DATA` that is before the message, at `END` after all of it;
 * - `close-in-body`, at `DATA` only: it answers 354, and closes the connection when the first bytes of the body arrive;
 * - `break-tls`, at `STARTTLS` only: it accepts STARTTLS, and answers the handshake with bytes that are not TLS.
 */
export type SmtpAnswer =
  | void
  | undefined
  | { code: number; text?: string; cut?: boolean }
  | 'hang'
  | 'close'
  | 'close-in-body'
  | 'break-tls';

/** Decides at every step; a promise holds the answer until it is settled. */
export type SmtpHook = (step: SmtpStep) => SmtpAnswer | Promise<SmtpAnswer>;
