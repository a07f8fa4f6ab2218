import { MailerService } from '@nestjs-modules/mailer';
import type { FactoryProvider } from '@nestjs/common';
import { readBulkSmtpSettings } from './delivery/bulk-smtp.settings.js';
import { BulkSmtpMessageSender } from './delivery/bulk-smtp-message.sender.js';
import { EMAIL_MESSAGE_SENDER, type PreparedSender } from './delivery/email-message.sender.js';
import { MailerMessageSender } from './delivery/mailer-message.sender.js';
import { MAILING_SETTINGS, type MailingSettings } from './model/mailing-options.js';
import { MailingEvents } from './model/mailing-event.js';
import { MailerMissingError } from './model/setup.errors.js';

/** How messages leave. */
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
