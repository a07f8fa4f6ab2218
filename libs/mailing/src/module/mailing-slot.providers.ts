import type { Provider } from '@nestjs/common';
import { MAILING_SETTINGS, type MailingSettings } from '../model/options/mailing-options.js';
import { toFilling } from '../model/mail/slot-filling.js';
import { made } from './provider-shapes.js';
import { MailingDatabase } from '../store/database/mailing.database.js';
import { SlotPersister } from '../store/intake/slot.persister.js';
import type { SlotsOf } from '../work/execution/slice.runner.js';
import { SlotRegistry } from '../work/intake/slot.registry.js';
import { SlotService } from '../work/slot.service.js';
import { HeldSlots, KeptSlots } from '../work/intake/slot.sources.js';

/** `SlotsOf`: what recipients see in slots. */
export const SLOT_SOURCES = Symbol('MAILING_SLOT_SOURCES');

/** Named content that templates show. */
export const slotProviders: Provider[] = [
  {
    provide: SlotRegistry,
    useFactory: ({ run }: MailingSettings) => new SlotRegistry(run.hostCallTimeoutMs),
    inject: [MAILING_SETTINGS],
  },
  made(SlotService, [SlotRegistry]),
  made(SlotPersister, [MailingDatabase]),
  {
    provide: SLOT_SOURCES,
    useFactory:
      (persister: SlotPersister, registry: SlotRegistry): SlotsOf =>
      (mailingId, info) =>
        mailingId === null
          ? new HeldSlots(toFilling(info.slots), registry)
          : new KeptSlots(persister, mailingId),
    inject: [SlotPersister, SlotRegistry],
  },
];
