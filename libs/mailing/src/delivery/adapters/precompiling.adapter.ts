import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Variables } from '../handlebars/handlebars.source.js';

/** What an adapter knows of a message. */
export interface AdapterMail {
  data: { template: string; context: Variables; html?: unknown };
}

/** As much of the mailer's options as engines are given. */
interface AdapterOptions {
  template?: { options?: object };
}

/** What the adapters of the mailer keep to themselves. */
interface AdapterParts {
  config?: { inlineCssEnabled?: boolean; inlineCssOptions?: object };
  resolveExternalCss?(html: string, options: AdapterOptions): string;
}

/** A template, compiled. It answers later where the engine was told `async: true`. */
type Template = (locals: Variables) => string | Promise<string>;

/** Compiles one file with the options of the host. */
export type EngineCompiler = (engine: object, path: string, options: Record<string, unknown>) => Template;

interface Pug {
  compileFile(path: string, options: object): Template;
}
interface Ejs {
  compile(source: string, options: object): Template;
}

/**
 * pug. The adapter itself merges the variables of each message into the options that pug compiles with, so a field `self` or `pretty` of one
 * recipient says how the template compiles; with `cache: true` it stays compiled that way for all that follow.
 */
export const compilePug: EngineCompiler = (engine, path, options) =>
  // pug's own cache would keep for ever what was compiled from a copy that is removed.
  (engine as Pug).compileFile(path, { ...options, cache: false });

/** What the code that ejs makes takes from outside `with (locals)`. */
const EJS_WORDS = [
  'include',
  'escapeFn',
  'rethrow',
  '__append',
  '__output',
  '__line',
  '__lines',
  '__filename',
];

/**
 * ejs. The adapter itself compiles with options of the host, but keeps what it compiled by a name without its extension, and drops the
 * rejection of an asynchronous template, which ends the process.
 *
 * Templates see variables through `with (locals)`. A field that is named as something of the compiled code must not stand in its place: it is
 * not seen by its name, but still as `locals.include`. Included files get what is enumerable, so they do not have such a field at all.
 */
export const compileEjs: EngineCompiler = (engine, path, options) => {
  const template = (engine as Ejs).compile(readFileSync(path, 'utf8'), { ...options, filename: path });
  const { localsName = 'locals', outputFunctionName } = options;
  const hidden = [...EJS_WORDS, localsName, outputFunctionName].filter((word) => typeof word === 'string');
  const unscopables = { value: Object.fromEntries(hidden.map((word) => [word, true])) };
  return (variables) => {
    const locals = Object.defineProperty({ ...variables }, Symbol.unscopables, unscopables);
    for (const word of hidden) {
      if (Object.hasOwn(locals, word)) Object.defineProperty(locals, word, { enumerable: false });
    }
    return template(locals);
  };
};

/**
 * Stands in for an adapter of the mailer: each file is compiled once, with options of the host alone, and rendered with the variables of one
 * recipient. The html gets what the adapter would do to it: css of linked files, css inlining.
 */
export class PrecompilingAdapter {
  readonly #templates = new Map<string, Template>();
  readonly #require: NodeJS.Require;

  /**
   * @param packageName of the engine.
   * @param adapterPath from where the engine is the very one that the adapter uses.
   */
  constructor(
    private readonly adapter: AdapterParts,
    private readonly packageName: string,
    private readonly compiler: EngineCompiler,
    adapterPath: string,
  ) {
    this.#require = createRequire(adapterPath);
  }

  /** Answers by `done` in any case: the mjml adapter waits for nothing else, and would drop a rejection. */
  compile(mail: AdapterMail, done: (error?: unknown) => void, mailerOptions: AdapterOptions): void {
    this.#html(mail.data, mailerOptions).then((html) => {
      mail.data.html = html;
      done();
    }, done);
  }

  async #html({ template: path, context }: AdapterMail['data'], options: AdapterOptions): Promise<string> {
    const template = this.#templates.get(path) ?? this.#compiled(path, options);
    const html = await template(context);
    const { config = {} } = this.adapter;
    const styled = this.adapter.resolveExternalCss?.(html, options) ?? html;
    return config.inlineCssEnabled ? this.#inline(styled, config.inlineCssOptions) : styled;
  }

  #compiled(path: string, { template }: AdapterOptions): Template {
    const engine = this.#require(this.packageName) as object;
    const compiled = this.compiler(engine, path, { ...template?.options });
    this.#templates.set(path, compiled);
    return compiled;
  }

  #inline(html: string, options?: object): string {
    const css = this.#require('@css-inline/css-inline') as { inline(html: string, options?: object): string };
    return css.inline(html, options);
  }
}
