import Handlebars from 'handlebars';
import { createTransport } from 'nodemailer';
import { attachments, FROM, PARAMS, type Reader, SUBJECT, templateSources } from '../letter.js';

/** The code of a host without the plugin: templates compiled once, a pool of nodemailer, one message for each reader. */
export class BareMailer {
  readonly #attachments = attachments();

  private constructor(
    private readonly pool: ReturnType<typeof createTransport>,
    private readonly templates: Record<'html' | 'text' | 'subject', HandlebarsTemplateDelegate>,
  ) {}

  static async create(smtpUrl: string, maxConnections: number): Promise<BareMailer> {
    const { html, text } = await templateSources();
    const plain = { noEscape: true };
    return new BareMailer(
      createTransport({ url: smtpUrl, pool: true, maxConnections, maxMessages: Infinity }),
      {
        html: Handlebars.compile(html),
        text: Handlebars.compile(text, plain),
        subject: Handlebars.compile(SUBJECT, plain),
      },
    );
  }

  async send({ email, name }: Reader): Promise<void> {
    const context = { ...PARAMS, email, name };
    await this.pool.sendMail({
      from: FROM,
      to: { address: email, name },
      subject: this.templates.subject(context),
      html: this.templates.html(context),
      text: this.templates.text(context),
      attachments: this.#attachments,
      // The plugin's messages have the same header.
      headers: { 'X-Mailing-Id': '01a21589-0000-7000-8000-000000000000' },
    });
  }

  close(): void {
    this.pool.close();
  }
}
