import type { MailerService } from '@nestjs-modules/mailer';
import type { Transporter } from 'nodemailer';
import { BulkSmtpUnfitError } from '../model/setup.errors.js';
import { findTransporter } from './find-transporter.js';
import type { SmtpDoorOptions } from './smtp.door.js';

/** What `BulkSmtpMessageSender` works with. */
export interface BulkSmtpSettings {
  door: SmtpDoorOptions;
  maxConnections: number;
}

/** nodemailer's own default for a pool. */
const MAX_CONNECTIONS = 5;

interface Transport {
  name?: string;
  options?: SmtpDoorOptions & { maxConnections?: number; dkim?: unknown; proxy?: unknown };
}

/** What nodemailer and the mailer keep of the plugins that hosts give them. */
interface PluginsOfTransporter {
  _userPlugins?: Record<string, unknown[] | undefined>;
}
interface PluginsOfMailer {
  mailerOptions?: { plugins?: unknown[]; preview?: unknown };
}

/**
 * Reads from the host's mailer where its mail server is and how to log in there, so that nobody says it twice.
 *
 * @throws TransporterMissingError if the mailer has no such transport, BulkSmtpUnfitError if messages must pass through it.
 */
export function readBulkSmtpSettings(
  mailer: MailerService,
  transporterName: string | null,
): BulkSmtpSettings {
  const transporter = findTransporter(mailer, transporterName);
  const { name = 'unknown', options = {} } = transporter.transporter as Transport;
  if (!/^SMTP\b/.test(name)) throw new BulkSmtpUnfitError(`a transport for ${name}`);
  if (options.dkim) throw new BulkSmtpUnfitError('a DKIM key');
  if (options.proxy) throw new BulkSmtpUnfitError('a proxy');
  if (hasPlugins(transporter) || hasPlugins(mailer)) throw new BulkSmtpUnfitError('plugins');
  return { door: options, maxConnections: options.maxConnections ?? MAX_CONNECTIONS };
}

function hasPlugins(one: Transporter | MailerService): boolean {
  const { _userPlugins } = one as unknown as PluginsOfTransporter;
  const { mailerOptions } = one as unknown as PluginsOfMailer;
  // At the step compile the mailer's own is, which is for templates that we do not use.
  return Boolean(_userPlugins?.stream?.length || mailerOptions?.plugins?.length || mailerOptions?.preview);
}
