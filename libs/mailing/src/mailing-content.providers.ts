import type { Provider } from '@nestjs/common';
import { HandlebarsRenderer } from './delivery/handlebars.renderer.js';
import { TemplateFolder } from './delivery/template-folder.js';
import { MAILING_SETTINGS, type MailingSettings } from './model/mailing-options.js';
import { UnsubscribeTokens } from './model/unsubscribe.tokens.js';
import { AttachmentStore } from './store/attachment.store.js';
import { MailingDatabase } from './store/mailing.database.js';

/** What they read. */
export const contentProviders: Provider[] = [
  {
    provide: HandlebarsRenderer,
    useFactory: ({ templates: { dir, partialsDir, helpers, text } }: MailingSettings) =>
      new HandlebarsRenderer(new TemplateFolder(dir), {
        partials: new TemplateFolder(partialsDir),
        helpers,
        text,
      }),
    inject: [MAILING_SETTINGS],
  },
  {
    provide: AttachmentStore,
    useFactory: (database: MailingDatabase, { attachments }: MailingSettings) =>
      new AttachmentStore(database, attachments.store),
    inject: [MailingDatabase, MAILING_SETTINGS],
  },
  {
    // Null where the links are not signed by the plugin; what reads them asks for it.
    provide: UnsubscribeTokens,
    useFactory: ({ unsubscribe }: MailingSettings) => unsubscribe?.tokens ?? null,
    inject: [MAILING_SETTINGS],
  },
];
