import type { MailerService } from '@nestjs-modules/mailer';
import type { Transporter } from 'nodemailer';
import type SmtpConnection from 'nodemailer/lib/smtp-connection';
import { BulkSmtpUnsupportedError } from '../../model/options/setup.errors.js';
import { findTransporter } from '../mailer/find-transporter.js';
import type { SmtpConnectorOptions } from './smtp.connector.js';
import { type LoginOptions, loginOf } from './smtp.login.js';
import { additionsOf } from '../mailer/transporter-plugins.js';

/** Settings of `BulkSmtpMessageSender`. */
export interface BulkSmtpSettings {
  connector: SmtpConnectorOptions;
  maxConnections: number;
  /** A connection that has had no message for this long is closed. */
  idleMs: number;
}

/** nodemailer's own default for a pool. */
const MAX_CONNECTIONS = 5;
/** Short, so that we close an idle connection before the server does. */
const IDLE_MS = 30_000;

interface TransportOptions extends SmtpConnection.Options, LoginOptions {
  maxConnections?: number;
  idleTimeout?: number;
  [name: string]: unknown;
}

/** Private fields of nodemailer: what the host has configured. */
interface Transport {
  name?: string;
  options?: TransportOptions;
}
interface Insides {
  getSocket?: unknown;
}

/** Options of a transport that this sender can't apply, and their names in the error. */
const HINDRANCES: Record<string, string> = {
  dkim: 'a DKIM key',
  proxy: 'a proxy',
  getSocket: 'a way of its own to the server (getSocket)',
  socket: 'a socket of its own',
  connection: 'a connection of its own',
  lmtp: 'LMTP',
  attachDataUrls: 'attachDataUrls',
  rateLimit: 'a rateLimit, for which run.ratePerSecond is there',
};

/**
 * Reads the mail server and the login from the host's mailer, so that the host configures them once.
 *
 * @throws TransporterMissingError if the mailer has no such transport. BulkSmtpUnsupportedError if it is not SMTP, or has an option or a plugin
 * that messages must pass through.
 */
export function readBulkSmtpSettings(
  mailer: MailerService,
  transporterName: string | null,
): BulkSmtpSettings {
  const transporter = findTransporter(mailer, transporterName);
  const { name = 'unknown', options } = transporter.transporter as Transport;
  if (!/^SMTP\b/.test(name) || !options) throw new BulkSmtpUnsupportedError(`a transport for ${name}`);
  const hindrance = hindranceIn(options) ?? hindranceAround(transporter, mailer);
  if (hindrance !== null) throw new BulkSmtpUnsupportedError(hindrance);
  return {
    connector: { connection: options, login: loginOf(options, transporter) },
    maxConnections: Number(options.maxConnections) || MAX_CONNECTIONS,
    idleMs: Math.min(IDLE_MS, Number(options.idleTimeout) || IDLE_MS),
  };
}

function hindranceIn(options: TransportOptions): string | null {
  const found = Object.keys(HINDRANCES).find((name) => options[name]);
  return found === undefined ? null : HINDRANCES[found];
}

function hindranceAround(transporter: Transporter, mailer: MailerService): string | null {
  const additions = additionsOf(transporter, mailer);
  if (additions !== null) return additions;
  return typeof (transporter as Insides).getSocket === 'function' ? 'a proxy' : null;
}
