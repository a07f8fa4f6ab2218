import type { Provider } from '@nestjs/common';
import { AddressNormalizerGate } from '../delivery/recipients/address-normalizer.gate.js';
import { nonStandardLocalPartGate } from '../delivery/recipients/non-standard-local-part.gate.js';
import type { RecipientGate } from '../delivery/recipients/recipient.gate.js';
import { SuppressionGate } from '../delivery/recipients/suppression.gate.js';
import { unicodeLocalPartGate } from '../delivery/recipients/unicode-local-part.gate.js';
import { ModuleContext } from '../model/host-calls/async-context.js';
import { mailboxKey } from '../model/addresses/email-address.js';
import { MAILING_SETTINGS, type MailingSettings } from '../model/options/mailing-options.js';
import type { ProfileRepository } from '../model/ports/profile.repository.js';
import { MailingDatabase } from '../store/database/mailing.database.js';
import { TypeOrmSuppressionList } from '../store/host/type-orm-suppression.list.js';
import { DuplicateGate } from '../work/recipients/duplicate.gate.js';
import { MailingProfiles } from '../work/recipients/mailing.profiles.js';
import { MailingSuppressions } from '../work/recipients/mailing.suppressions.js';
import { MemoryDuplicateGate } from '../work/recipients/memory-duplicate.gate.js';
import { MailingEvents } from '../model/reports/mailing-event.js';
import { made } from './provider-shapes.js';
import { ProfileRecorder } from '../work/recipients/profile.recorder.js';
import type { GatesOf } from '../work/execution/slice.runner.js';

/** `() => ProfileRepository | null`: known once all modules have been put together. */
export const PROFILES = Symbol('MAILING_PROFILES');

/** `() => RecipientGate[]`: gates that only check, and remember no recipient. */
export const JUDGES = Symbol('MAILING_JUDGES');

/** `GatesOf`: all gates that may keep a recipient from being mailed. */
export const GATES = Symbol('MAILING_GATES');

/** Profiles, suppressions and gates: which recipients there are, and which of them are mailed. */
export const recipientProviders: Provider[] = [
  MailingProfiles,
  {
    provide: PROFILES,
    // The host's class may be in any module, and is found once all modules have been put together.
    useFactory: (profiles: MailingProfiles) => (): ProfileRepository | null => profiles.inUse,
    inject: [MailingProfiles],
  },
  {
    provide: MailingSuppressions,
    useFactory: (
      database: MailingDatabase,
      { suppressionList, addresses, run }: MailingSettings,
      context: ModuleContext,
    ) =>
      new MailingSuppressions(
        suppressionList === null ? new TypeOrmSuppressionList(database, addresses.keyOf) : null,
        run.hostCallTimeoutMs,
        context,
      ),
    inject: [MailingDatabase, MAILING_SETTINGS, ModuleContext],
  },
  {
    provide: JUDGES,
    useFactory:
      (suppressions: MailingSuppressions, { addresses }: MailingSettings): (() => RecipientGate[]) =>
      () => [
        ...(addresses.keyOf === mailboxKey ? [] : [new AddressNormalizerGate(addresses.keyOf)]),
        ...(addresses.unicodeLocalParts === 'skip' ? [unicodeLocalPartGate] : []),
        ...(addresses.nonStandardLocalParts === 'skip' ? [nonStandardLocalPartGate] : []),
        ...(suppressions.inUse ? [new SuppressionGate(suppressions)] : []),
      ],
    inject: [MailingSuppressions, MAILING_SETTINGS],
  },
  {
    provide: GATES,
    useFactory:
      (database: MailingDatabase, judges: () => RecipientGate[], { addresses }: MailingSettings): GatesOf =>
      (mailingId) => [
        ...judges(),
        // The last one, because it claims the address of each recipient that it lets through.
        mailingId === null
          ? new MemoryDuplicateGate(addresses.keyOf)
          : new DuplicateGate(database, mailingId, addresses.keyOf),
      ],
    inject: [MailingDatabase, JUDGES, MAILING_SETTINGS],
  },
  made(ProfileRecorder, [PROFILES, MAILING_SETTINGS, MailingEvents]),
];
