import { isAbsolute, join, relative, sep } from 'node:path';
import type { MailerOptions } from '@nestjs-modules/mailer';
import { plainCopy } from '../../model/values/plain-copy.js';
import { type Adapter, bridgedAdapter } from './bridged.adapter.js';
import type { AdapterMail } from './precompiling.adapter.js';
import type { Variables } from '../handlebars/handlebars.source.js';
import { reasonOf } from '../../model/values/public-text.js';

/** An adapter that loses its answer must not hold a place for ever. */
const RENDER_TIMEOUT_MS = 30_000;

/**
 * The host's template adapter, let loose on a private copy of the template folder.
 *
 * The mailer itself would call it from inside nodemailer, where a missing template ends the process. Here every message has a mail
 * object of its own, a second answer counts for nothing, and what the adapter throws, on whatever way, is this recipient's error.
 *
 * `template.dir` of the mailer stays what it is, because adapters keep compiled templates by their path relative to it, for ever:
 * two versions of one template would be taken for each other if each copy were the folder itself.
 */
export class AdapterEngine {
  readonly #options: MailerOptions;
  readonly #adapter: Adapter | undefined;

  constructor(
    options: MailerOptions,
    dir: string,
    private readonly copy: string,
    private readonly timeoutMs = RENDER_TIMEOUT_MS,
  ) {
    const template = options.template ?? {};
    this.#options = {
      ...options,
      template: { ...template, options: moved(template.options ?? {}, dir, copy) as typeof template.options },
    };
    this.#adapter = template.adapter && bridgedAdapter(template.adapter);
  }

  /** @param file relative to the folder. */
  render(file: string, variables: Variables): Promise<string> {
    // Templates of these engines hold code, which may change what the next recipient is shown.
    const mail: AdapterMail = { data: { template: join(this.copy, file), context: plainCopy(variables) } };
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`the template adapter gave no answer within ${this.timeoutMs} ms`)),
        this.timeoutMs,
      ).unref();
      const fail = (error: unknown): void => {
        clearTimeout(timer);
        reject(error instanceof Error ? error : new Error(reasonOf(error)));
      };
      const done = (error?: unknown, body?: unknown): void => {
        if (error !== undefined && error !== null) return fail(error);
        const html = mail.data.html ?? body;
        if (typeof html !== 'string') return fail(new Error('the template adapter gave no html'));
        clearTimeout(timer);
        resolve(html);
      };
      // One of the host's own may be an async function.
      (async () => this.#adapter?.compile(mail, done, this.#options))().catch(fail);
    });
  }
}

/** Folders that an engine searches, such as pug's `basedir`: those in the template folder are those in its copy. */
function moved(value: unknown, from: string, to: string): unknown {
  if (Array.isArray(value)) return value.map((one) => moved(one, from, to));
  if (typeof value === 'string' && isAbsolute(value)) {
    const inside = relative(from, value);
    return inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? value : join(to, inside);
  }
  // Functions, and objects of classes, stay what they are.
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, moved(one, from, to)]));
}
