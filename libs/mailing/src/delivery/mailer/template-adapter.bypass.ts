import type { SendMailOptions, Transporter } from 'nodemailer';
import { addOwnPlugin } from './transporter-plugins.js';

const OPTION = 'mailingHtml';

/** Read by the mailer, and by nobody else. */
const STAND_IN = ' ';

/**
 * Leads messages without html past the host's template adapter. The mailer has it render whatever comes without, and it fails
 * where no template is named; so ours come with some that a plugin of ours, behind the mailer's, takes off again.
 */
export class TemplateAdapterBypass {
  readonly #equipped = new WeakSet<Transporter>();
  #inUse = false;

  /** To be called after the mailer has added its own plugin; adds one, however often it is called. */
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

  lead(options: SendMailOptions): SendMailOptions {
    if (!this.#inUse || options.html) return options;
    return { ...options, html: STAND_IN, [OPTION]: options.html } as SendMailOptions;
  }
}
