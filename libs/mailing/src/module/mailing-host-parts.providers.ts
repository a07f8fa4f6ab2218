import type { Provider, Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { ActiveRenderer } from '../delivery/templates/active.renderer.js';
import { EMAIL_MESSAGE_SENDER, type PreparedSender } from '../delivery/transport/email-message.sender.js';
import { MailerAdapterRenderer } from '../delivery/adapters/mailer-adapter.renderer.js';
import { TEMPLATE_RENDERER } from '../model/ports/template.renderer.js';
import { MAILING_SETTINGS, type MailingSettings } from '../model/options/mailing-options.js';
import { ActiveDispatcher } from '../work/execution/active.dispatcher.js';
import { MailingProfiles } from '../work/recipients/mailing.profiles.js';
import { MailingSuppressions } from '../work/recipients/mailing.suppressions.js';

/** `() => Promise<void>`: looks up the classes that the host gave. */
export const PREPARE = Symbol('MAILING_PREPARE');

/** What can be looked up only after all modules have been put together. */
export const hostPartProviders: Provider[] = [
  {
    provide: PREPARE,
    useFactory:
      (
        { profileRepository, suppressionList, batch, renderer }: MailingSettings,
        sender: PreparedSender,
        profiles: MailingProfiles,
        suppressions: MailingSuppressions,
        dispatcher: ActiveDispatcher,
        chosen: ActiveRenderer,
        moduleRef: ModuleRef,
      ) =>
      async (): Promise<void> => {
        sender.prepare();
        if (profileRepository) profiles.use(await find(moduleRef, profileRepository));
        if (suppressionList) suppressions.use(await find(moduleRef, suppressionList));
        if (batch.dispatcher) dispatcher.use(await find(moduleRef, batch.dispatcher));
        if (renderer) chosen.use(await find(moduleRef, renderer));
        if (chosen.renderer instanceof MailerAdapterRenderer) chosen.renderer.prepare();
      },
    inject: [
      MAILING_SETTINGS,
      EMAIL_MESSAGE_SENDER,
      MailingProfiles,
      MailingSuppressions,
      ActiveDispatcher,
      TEMPLATE_RENDERER,
      ModuleRef,
    ],
  },
];

/** Finds a provider of the plugin, or else of the host, in any module. Nest instantiates a class that is no provider. */
async function find<T>(moduleRef: ModuleRef, type: Type<T>): Promise<T> {
  for (const strict of [true, false]) {
    try {
      return moduleRef.get(type, { strict });
    } catch {
      // Not registered there.
    }
  }
  return moduleRef.create(type);
}
