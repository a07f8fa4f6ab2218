import type { SendMailOptions, Transporter } from 'nodemailer';
import { addOwnPlugin } from './transporter-plugins.js';

const OPTION = 'mailingHtml';

/** Placeholder html that only the mailer reads. */
const STAND_IN = ' ';

/**
 * Keeps messages without html away from the host's template adapter. The mailer has the adapter render every message without html, and that fails
 * if no template is named. So ours carry placeholder html, which our own plugin, after the mailer's, removes again.
 */
export class TemplateAdapterBypass {
  readonly #equipped = new WeakSet<Transporter>();
  #inUse = false;

  /** Adds our plugin, once per transporter. Call it after the mailer has added its own. */
  equip(transporter: Transporter): void {
    this.#inUse = true;
    if (this.#equipped.has(transporter)) return;
    this.#equipped.add(transporter);
    addOwnPlugin(transporter, 'compile', (mail, done) => {
      const data = mail.data as Record<string, unknown>;
      if (OPTION in data) data.html = data[OPTION];
      done();
    });
  }

  apply(options: SendMailOptions): SendMailOptions {
    if (!this.#inUse || options.html) return options;
    return { ...options, html: STAND_IN, [OPTION]: options.html } as SendMailOptions;
  }
}
