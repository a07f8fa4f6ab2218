import type { Provider } from '@nestjs/common';
import { HandlebarsRenderer } from './delivery/handlebars.renderer.js';
import { TemplateFolder } from './delivery/template-folder.js';
import { MAILING_SETTINGS, type MailingSettings } from './model/mailing-options.js';

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
];
