import { MailerModule, type MailerOptions, MailerService } from '@nestjs-modules/mailer';
import { Test } from '@nestjs/testing';
import { readBulkSmtpSettings } from '../../libs/mailing/src/delivery/smtp/bulk-smtp.settings.js';
import { BulkSmtpMessageSender } from '../../libs/mailing/src/delivery/smtp/bulk-smtp-message.sender.js';
import type {
  EmailMessage,
  PreparedSender,
  HandOver,
} from '../../libs/mailing/src/model/ports/email-message.sender.js';
import { MailerMessageSender } from '../../libs/mailing/src/delivery/mailer/mailer-message.sender.js';
import { type MailingEventMap, MailingEvents } from '../../libs/mailing/src/model/reports/mailing-event.js';

/** A sender over real connections: the default one over a real mailer with a real pool, or `bulkSmtp`. */
export interface SenderRig extends AsyncDisposable {
  mailer: MailerService;
  sender: PreparedSender;
  /** Reports of pools whose requeues were disabled. */
  disabled: MailingEventMap['pool:requeues-disabled'][];
  send(message?: Partial<EmailMessage>, signal?: AbortSignal): Promise<HandOver>;
}

export const MESSAGE: EmailMessage = {
  messageId: '<0197-mailing.4@shop.example>',
  from: { name: 'The Shop', address: 'news@shop.example' },
  to: { name: 'Ann', address: 'ann@home.example' },
  subject: 'Hello Ann',
  html: '<p>Dear Ann</p>',
  text: 'Dear Ann',
  headers: { 'X-Mailing-Id': '0197-mailing' },
};

export interface SenderRigOptions {
  /** Over the options of the pool. */
  transport?: object;
  /** Over the other options of the mailer. */
  mailer?: Partial<MailerOptions>;
  /** Name of the mailer's transport for the sender. */
  transporterName?: string;
  transports?: Record<string, object>;
  probeTimeoutMs?: number;
  /** `bulkSmtp` to the same server. */
  isBulk?: boolean;
}

export async function senderRig(url: string, options: SenderRigOptions = {}): Promise<SenderRig> {
  const testing = await Test.createTestingModule({
    imports: [
      MailerModule.forRoot({
        transport: { url, pool: true, maxConnections: 1, ...options.transport },
        transports: options.transports,
        ...options.mailer,
      } as Parameters<typeof MailerModule.forRoot>[0]),
    ],
  }).compile();
  await testing.init();
  const mailer = testing.get(MailerService);
  const events = new MailingEvents();
  const disabled: SenderRig['disabled'] = [];
  events.on('pool:requeues-disabled', (facts) => disabled.push(facts));
  const overMailer = new MailerMessageSender(
    mailer,
    options.transporterName ?? null,
    events,
    options.probeTimeoutMs,
  );
  const bulk = options.isBulk ? bulkSender(mailer, options) : null;
  const sender = bulk ?? overMailer;
  return {
    mailer,
    sender,
    disabled,
    send: (message = {}, signal = new AbortController().signal) =>
      sender.send({ ...MESSAGE, ...message }, signal),
    async [Symbol.asyncDispose]() {
      bulk?.onApplicationShutdown();
      await testing.close();
    },
  };
}

function bulkSender(
  mailer: MailerService,
  { transporterName, probeTimeoutMs }: SenderRigOptions,
): BulkSmtpMessageSender {
  return new BulkSmtpMessageSender(
    () => readBulkSmtpSettings(mailer, transporterName ?? null),
    probeTimeoutMs,
  );
}
