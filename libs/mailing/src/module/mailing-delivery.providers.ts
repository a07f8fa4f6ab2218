import { MailerService } from '@nestjs-modules/mailer';
import type { FactoryProvider } from '@nestjs/common';
import { readBulkSmtpSettings } from '../delivery/smtp/bulk-smtp.settings.js';
import { BulkSmtpMessageSender } from '../delivery/smtp/bulk-smtp-message.sender.js';
import { EMAIL_MESSAGE_SENDER, type PreparedSender } from '../delivery/transport/email-message.sender.js';
import { MailerMessageSender } from '../delivery/mailer/mailer-message.sender.js';
import { MAILING_SETTINGS, type MailingSettings } from '../model/options/mailing-options.js';
import { MailingEvents } from '../model/reports/mailing-event.js';
import { MailerMissingError } from '../model/options/setup.errors.js';

/** Hands messages over to the mail server. */
export const messageSender: FactoryProvider = {
  provide: EMAIL_MESSAGE_SENDER,
  useFactory: (
    { transporterName, bulkSmtp }: MailingSettings,
    events: MailingEvents,
    mailer?: MailerService,
  ): PreparedSender => {
    if (!mailer) throw new MailerMissingError();
    return bulkSmtp
      ? new BulkSmtpMessageSender(() => readBulkSmtpSettings(mailer, transporterName))
      : new MailerMessageSender(mailer, transporterName, events);
  },
  inject: [MAILING_SETTINGS, MailingEvents, { token: MailerService, optional: true }],
};
