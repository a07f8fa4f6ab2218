import { MAILER_OPTIONS, type MailerOptions } from '@nestjs-modules/mailer';
import type { Provider } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { ActiveRenderer } from '../delivery/templates/active.renderer.js';
import { HandlebarsRenderer } from '../delivery/handlebars/handlebars.renderer.js';
import { MailerAdapterRenderer } from '../delivery/adapters/mailer-adapter.renderer.js';
import { TemplateFolder } from '../delivery/templates/template-folder.js';
import { TEMPLATE_RENDERER } from '../model/ports/template.renderer.js';
import { MAILING_SETTINGS, type MailingSettings } from '../model/options/mailing-options.js';
import { UnsubscribeTokens } from '../model/options/unsubscribe.tokens.js';
import { AttachmentStore } from '../store/attachments/attachment.store.js';
import { MailingDatabase } from '../store/database/mailing.database.js';

/** Content of messages: templates, attachments and the tokens of unsubscribe links. */
export const contentProviders: Provider[] = [
  {
    provide: TEMPLATE_RENDERER,
    useFactory: ({ templates: { dir, partialsDir, helpers, text }, run }: MailingSettings) =>
      new ActiveRenderer(
        new HandlebarsRenderer(new TemplateFolder(dir), {
          partials: new TemplateFolder(partialsDir),
          helpers,
          text,
        }),
        run.hostCallTimeoutMs,
      ),
    inject: [MAILING_SETTINGS],
  },
  {
    provide: MailerAdapterRenderer,
    useFactory: ({ templates: { dir, helpers, text } }: MailingSettings, moduleRef: ModuleRef) =>
      // Looked up late: the mailer does not export its options, and may not have them yet.
      new MailerAdapterRenderer(dir, () => moduleRef.get<MailerOptions>(MAILER_OPTIONS, { strict: false }), {
        helpers,
        text,
      }),
    inject: [MAILING_SETTINGS, ModuleRef],
  },
  {
    provide: AttachmentStore,
    useFactory: (database: MailingDatabase, { attachments }: MailingSettings) =>
      new AttachmentStore(database, attachments.store),
    inject: [MailingDatabase, MAILING_SETTINGS],
  },
  {
    // Null if the plugin does not sign the links; each reader checks for null.
    provide: UnsubscribeTokens,
    useFactory: ({ unsubscribe }: MailingSettings) => unsubscribe?.tokens ?? null,
    inject: [MAILING_SETTINGS],
  },
];
