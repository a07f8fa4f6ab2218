import { MailingEvents, TemplateEmailPersister } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { MAILING_DATA_SOURCE } from '../../libs/mailing/src/model/options/data-source.token.js';
import {
  MAILING_SETTINGS,
  type MailingSettings,
} from '../../libs/mailing/src/model/options/mailing-options.js';
import { FAULT_POINTS } from '../../libs/mailing/src/model/ports/fault-points.js';
import { provide, provideByName, provideFrom } from '../../libs/mailing/src/module/provide.js';
import { AttachmentStore } from '../../libs/mailing/src/store/attachments/attachment.store.js';
import { CommandPersister } from '../../libs/mailing/src/store/commands/command.persister.js';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { RateLimiter } from '../../libs/mailing/src/work/pacing/rate-limiter.js';
import { JournalManager } from '../../libs/mailing/src/work/servers/journal.manager.js';

class Named {
  constructor(readonly parts: { settings: Pick<MailingSettings, 'server'>; events: MailingEvents }) {}
}

it('passes each token to its parameter', () => {
  expect(provide(CommandPersister, MailingDatabase, FAULT_POINTS).inject).toEqual([
    MailingDatabase,
    FAULT_POINTS,
  ]);
  const { inject, useFactory } = provideByName(Named, { settings: MAILING_SETTINGS, events: MailingEvents });
  expect(inject).toEqual([MAILING_SETTINGS, MailingEvents]);
  expect(useFactory('the settings', 'the events')).toEqual({
    parts: { settings: 'the settings', events: 'the events' },
  });
});

it('does not compile with two tokens swapped, one missing, or one of another type', () => {
  // @ts-expect-error swapped
  provide(CommandPersister, FAULT_POINTS, MailingDatabase);
  // @ts-expect-error swapped
  provide(TemplateEmailPersister, AttachmentStore, MailingDatabase);
  // @ts-expect-error missing
  provide(JournalManager, MAILING_SETTINGS);
  // @ts-expect-error swapped
  provideByName(Named, { settings: MailingEvents, events: MAILING_SETTINGS });
  // @ts-expect-error missing
  provideByName(Named, { settings: MAILING_SETTINGS });
  // @ts-expect-error of another type
  provideByName(Named, { settings: MAILING_DATA_SOURCE, events: MailingEvents });
  const limiter = ({ run }: MailingSettings): RateLimiter => new RateLimiter(run.ratePerSecond);
  // @ts-expect-error of another type
  provideFrom(RateLimiter, limiter, FAULT_POINTS);
  expect(provideFrom(RateLimiter, limiter, MAILING_SETTINGS).inject).toEqual([MAILING_SETTINGS]);
});
