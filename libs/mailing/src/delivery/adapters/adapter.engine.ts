import { isAbsolute, join, relative } from 'node:path';
import type { MailerOptions } from '@nestjs-modules/mailer';
import { leadsOut } from '../templates/leads-out.js';
import { plainCopy } from '../../model/values/plain-copy.js';
import { type Adapter, bridgedAdapter } from './bridged.adapter.js';
import type { AdapterMail } from './precompiling.adapter.js';
import type { Variables } from '../handlebars/compile-source.js';
import { reasonOf } from '../../model/values/public-text.js';

/** An adapter that never answers must not hold its slot for ever. */
const RENDER_TIMEOUT_MS = 30_000;

/**
 * Runs the host's template adapter on a private copy of the template folder.
 *
 * The mailer itself would call it inside nodemailer, where a missing template ends the process. Here each message has its own mail object, only
 * the first answer counts, and what the adapter throws, rejects with or answers as an error is this recipient's error.
 *
 * `template.dir` of the mailer is not changed, because adapters cache compiled templates for ever by their path relative to it: if each copy were
 * that folder, two versions of a template would share one cache entry.
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
    // Copied, because templates of these engines contain code, which may change what the next recipient is shown.
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
      // A host's own adapter may be an async function.
      (async () => this.#adapter?.compile(mail, done, this.#options))().catch(fail);
    });
  }
}

/** Moves options that are paths in the template folder, such as pug's `basedir`, to its copy. */
function moved(value: unknown, from: string, to: string): unknown {
  if (Array.isArray(value)) return value.map((one) => moved(one, from, to));
  if (typeof value === 'string' && isAbsolute(value)) {
    const inside = relative(from, value);
    return inside !== '' && leadsOut(from, value) ? value : join(to, inside);
  }
  // Functions and instances of classes are kept.
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, moved(one, from, to)]));
}
