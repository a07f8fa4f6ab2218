import type { MailerService } from '@nestjs-modules/mailer';
import type { Transporter } from 'nodemailer';
import { TransporterMissingError } from '../../model/options/setup.errors.js';

/**
 * A transport of the mailer by its name; null: the default one.
 *
 * @throws TransporterMissingError if there is none of that name.
 */
export function findTransporter(mailer: MailerService, name: string | null): Transporter {
  let transporter: Transporter | undefined;
  try {
    transporter = mailer.getTransporter(name ?? undefined);
  } catch {
    // The mailer throws a ReferenceError for a name it does not know.
  }
  if (!transporter) throw new TransporterMissingError(name ?? 'default');
  return transporter;
}
