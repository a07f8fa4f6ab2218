import { MAILER_OPTIONS, type MailerOptions, MailerService } from '@nestjs-modules/mailer';
import type { Provider } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { MailerAdapterRenderer } from '../delivery/adapters/mailer-adapter.renderer.js';
import { HandlebarsRenderer } from '../delivery/handlebars/handlebars.renderer.js';
import { MailerMessageSender } from '../delivery/mailer/mailer-message.sender.js';
import { checkNodemailer } from '../delivery/mailer/nodemailer-version.js';
import { AddressNormalizerGate } from '../delivery/recipients/address-normalizer.gate.js';
import { nonStandardLocalPartGate } from '../delivery/recipients/non-standard-local-part.gate.js';
import type { RecipientGate } from '../delivery/recipients/recipient.gate.js';
import { ParameterProcessing } from '../delivery/recipients/parameter.processing.js';
import { SuppressionGate, type WatchedSuppressionList } from '../delivery/recipients/suppression.gate.js';
import { unicodeLocalPartGate } from '../delivery/recipients/unicode-local-part.gate.js';
import { BulkSmtpMessageSender } from '../delivery/smtp/bulk-smtp-message.sender.js';
import { readBulkSmtpSettings } from '../delivery/smtp/bulk-smtp.settings.js';
import { ActiveRenderer } from '../delivery/templates/active.renderer.js';
import { TemplateFolder } from '../delivery/templates/template-folder.js';
import { HostMessageSender } from '../delivery/transport/host-message.sender.js';
import { NamedSenders } from '../delivery/transport/named.senders.js';
import { EMAIL_MESSAGE_SENDER, type PreparedSender } from '../model/ports/email-message.sender.js';
import { mailboxKey } from '../model/addresses/email-address.js';
import { ModuleContext } from '../model/host-calls/async-context.js';
import { toFilling } from '../model/mail/slot-filling.js';
import { MAILING_SETTINGS, type MailingSettings } from '../model/options/mailing-options.js';
import { MailerMissingError } from '../model/options/setup.errors.js';
import { UnsubscribeTokens } from '../model/options/unsubscribe.tokens.js';
import type { ProfileRepository } from '../model/ports/profile.repository.js';
import { TEMPLATE_RENDERER } from '../model/ports/template.renderer.js';
import { MailingEvents } from '../model/reports/mailing-event.js';
import { tokenOf } from '../model/values/token.js';
import { MailingDatabase } from '../store/database/mailing.database.js';
import { TypeOrmSuppressionList } from '../store/host/type-orm-suppression.list.js';
import { SlotPersister } from '../store/intake/slot.persister.js';
import type { GatesOf, ProcessingOf, SlotsOf } from '../work/execution/slice.runner.js';
import { SlotRegistry } from '../work/intake/slot.registry.js';
import { MemorySlots, StoredSlots } from '../work/intake/slot.sources.js';
import { RateLimiter } from '../work/pacing/rate-limiter.js';
import { DuplicateGate } from '../work/recipients/duplicate.gate.js';
import { ActiveSuppressions, HostProcessor, HostProfiles } from '../work/recipients/host.parts.js';
import { MailingProfiles } from '../work/recipients/mailing.profiles.js';
import { MailingSuppressions } from '../work/recipients/mailing.suppressions.js';
import { MemoryDuplicateGate } from '../work/recipients/memory-duplicate.gate.js';
import { ProfileRecorder } from '../work/recipients/profile.recorder.js';
import { SlotService } from '../work/slot.service.js';
import { provide, provideFrom } from './provide.js';

/** Known once all modules have been put together. */
export const PROFILES = tokenOf<() => ProfileRepository | null>('MAILING_PROFILES');

/** Gates that only check, and remember no recipient. */
export const CHECKING_GATES = tokenOf<() => RecipientGate[]>('MAILING_CHECKING_GATES');

/** All gates that may keep a recipient from being mailed. */
export const GATES = tokenOf<GatesOf>('MAILING_GATES');

/** What recipients see in slots. */
export const SLOT_SOURCES = tokenOf<SlotsOf>('MAILING_SLOT_SOURCES');

/** How the host's parameter processor is asked about the recipients of a mailing. */
export const PROCESSING = tokenOf<ProcessingOf>('MAILING_PROCESSING');

/** What a message is made of, by which gates a recipient passes, and how a message is handed over. */
export const deliveryProviders: Provider[] = [
  provideFrom(
    ActiveRenderer,
    ({ templates: { dir, partialsDir, helpers, text, textConverter }, run }: MailingSettings) =>
      new ActiveRenderer(
        new HandlebarsRenderer(new TemplateFolder(dir), {
          partials: new TemplateFolder(partialsDir),
          helpers,
          text,
          textConverter,
        }),
        run.hostCallTimeoutMs,
      ),
    MAILING_SETTINGS,
  ),
  { provide: TEMPLATE_RENDERER, useExisting: ActiveRenderer },
  provideFrom(
    MailerAdapterRenderer,
    ({ templates: { dir, helpers, text, textConverter } }: MailingSettings, moduleRef: ModuleRef) =>
      // Looked up late: the mailer does not export its options, and may not have them yet.
      new MailerAdapterRenderer(dir, () => moduleRef.get<MailerOptions>(MAILER_OPTIONS, { strict: false }), {
        helpers,
        text,
        textConverter,
      }),
    MAILING_SETTINGS,
    ModuleRef,
  ),
  // Null if the plugin does not sign the links; each reader checks for null.
  {
    provide: UnsubscribeTokens,
    useFactory: ({ unsubscribe }: MailingSettings) => unsubscribe?.tokens ?? null,
    inject: [MAILING_SETTINGS],
  },
  provideFrom(
    EMAIL_MESSAGE_SENDER,
    (
      { transporterName, bulkSmtp, messageSender, run, uniqServerId }: MailingSettings,
      events: MailingEvents,
      mailer?: MailerService,
    ): PreparedSender => {
      if (messageSender) {
        const reportError = (error: unknown): void =>
          events.emit('server:error', { uniqServerId, step: 'message sender', error });
        return new HostMessageSender({ timeoutMs: run.hostCallTimeoutMs, reportError });
      }
      if (!mailer) throw new MailerMissingError();
      checkNodemailer();
      return overMailer(mailer, transporterName, bulkSmtp, events);
    },
    MAILING_SETTINGS,
    MailingEvents,
    { token: MailerService, optional: true },
  ),
  provideFrom(
    NamedSenders,
    (
      usual: PreparedSender,
      { transporterName, bulkSmtp, messageSender }: MailingSettings,
      events: MailingEvents,
      mailer?: MailerService,
    ) =>
      new NamedSenders(
        usual,
        transporterName,
        mailer && !messageSender ? (name) => overMailer(mailer, name, bulkSmtp, events) : null,
      ),
    EMAIL_MESSAGE_SENDER,
    MAILING_SETTINGS,
    MailingEvents,
    { token: MailerService, optional: true },
  ),
  provideFrom(
    RateLimiter,
    ({ run }: MailingSettings) => new RateLimiter(run.ratePerSecond),
    MAILING_SETTINGS,
  ),
  provide(HostProfiles),
  provide(HostProcessor),
  provideFrom(
    PROCESSING,
    (host: HostProcessor, { run }: MailingSettings): ProcessingOf =>
      (mailingId, info) => {
        const terms = { concurrency: run.concurrency, timeoutMs: run.hostCallTimeoutMs };
        return host.processor && new ParameterProcessing(host.processor, mailingId, info, terms);
      },
    HostProcessor,
    MAILING_SETTINGS,
  ),
  provide(MailingProfiles, HostProfiles),
  provideFrom(
    ActiveSuppressions,
    (database: MailingDatabase, { suppressionList, addresses }: MailingSettings) =>
      new ActiveSuppressions(
        suppressionList === null ? new TypeOrmSuppressionList(database, addresses.keyOf) : null,
      ),
    MailingDatabase,
    MAILING_SETTINGS,
  ),
  provideFrom(
    MailingSuppressions,
    (active: ActiveSuppressions, { run }: MailingSettings, context: ModuleContext) =>
      new MailingSuppressions(active, run.hostCallTimeoutMs, context),
    ActiveSuppressions,
    MAILING_SETTINGS,
    ModuleContext,
  ),
  provide(ProfileRecorder, PROFILES, MAILING_SETTINGS, MailingEvents),
  provideFrom(
    SlotRegistry,
    ({ run }: MailingSettings) => new SlotRegistry(run.hostCallTimeoutMs),
    MAILING_SETTINGS,
  ),
  provide(SlotService, SlotRegistry),
  // The host's class may be in any module, and is found once all modules have been put together.
  provideFrom(PROFILES, (host: HostProfiles) => () => host.repository, HostProfiles),
  provideFrom(
    CHECKING_GATES,
    (suppressions: MailingSuppressions, active: ActiveSuppressions, { addresses }: MailingSettings) =>
      () => [
        ...(addresses.keyOf === mailboxKey ? [] : [new AddressNormalizerGate(addresses.keyOf)]),
        ...(addresses.unicodeLocalParts === 'skip' ? [unicodeLocalPartGate] : []),
        ...(addresses.nonStandardLocalParts === 'skip' ? [nonStandardLocalPartGate] : []),
        ...(active.list ? [new SuppressionGate(watched(suppressions, active))] : []),
      ],
    MailingSuppressions,
    ActiveSuppressions,
    MAILING_SETTINGS,
  ),
  provideFrom(
    GATES,
    (database: MailingDatabase, checking: () => RecipientGate[], { addresses }: MailingSettings): GatesOf =>
      (mailingId) => [
        ...checking(),
        // The last one, because it claims the address of each recipient that it lets through.
        mailingId === null
          ? new MemoryDuplicateGate(addresses.keyOf)
          : new DuplicateGate(database, mailingId, addresses.keyOf),
      ],
    MailingDatabase,
    CHECKING_GATES,
    MAILING_SETTINGS,
  ),
  provideFrom(
    SLOT_SOURCES,
    (persister: SlotPersister, registry: SlotRegistry): SlotsOf =>
      (mailingId, info) =>
        mailingId === null
          ? new MemorySlots(toFilling(info.slots), registry)
          : new StoredSlots(persister, mailingId),
    SlotPersister,
    SlotRegistry,
  ),
];

function overMailer(
  mailer: MailerService,
  transporterName: string | null,
  isBulk: boolean,
  events: MailingEvents,
): PreparedSender {
  return isBulk
    ? new BulkSmtpMessageSender(() => readBulkSmtpSettings(mailer, transporterName))
    : new MailerMessageSender(mailer, transporterName, events);
}

/** The list as it is asked, with the count of what this process has changed in it. */
function watched(suppressions: MailingSuppressions, active: ActiveSuppressions): WatchedSuppressionList {
  return {
    findSuppressed: (addresses) => suppressions.findSuppressed(addresses),
    get revision() {
      return active.revision;
    },
  };
}
