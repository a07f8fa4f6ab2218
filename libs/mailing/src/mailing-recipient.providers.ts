import type { Provider } from '@nestjs/common';
import { mailboxKey } from './model/email-address.js';
import type { ProfileRepository } from './model/profile.repository.js';
import { MailingDatabase } from './store/mailing.database.js';
import { DuplicateGate } from './work/duplicate.gate.js';
import { MemoryDuplicateGate } from './work/memory-duplicate.gate.js';
import type { GatesOf } from './work/slice.runner.js';

/** `() => ProfileRepository | null`: known once everything is put together. */
export const PROFILES = Symbol('MAILING_PROFILES');

/** `GatesOf`: what else may keep a recipient from being mailed. */
export const GATES = Symbol('MAILING_GATES');

/** The host's profiles. They are looked up once everything is put together, because the host's class may live anywhere. */
export class ProfileSource {
  repository: ProfileRepository | null = null;
  readonly get = (): ProfileRepository | null => this.repository;
}

/** Who the recipients are, and who of them is mailed. */
export const recipientProviders: Provider[] = [
  ProfileSource,
  { provide: PROFILES, useFactory: ({ get }: ProfileSource) => get, inject: [ProfileSource] },
  {
    provide: GATES,
    useFactory:
      (database: MailingDatabase): GatesOf =>
      (mailingId) => [
        // The last one, because it takes the addresses of those whom it lets through.
        mailingId === null
          ? new MemoryDuplicateGate(mailboxKey)
          : new DuplicateGate(database, mailingId, mailboxKey),
      ],
    inject: [MailingDatabase],
  },
];
