import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Variables } from '../handlebars/compile-source.js';

/** The message as an adapter gets it. */
export interface AdapterMail {
  data: { template: string; context: Variables; html?: unknown };
}

/** The part of the mailer's options that engines get. */
interface AdapterOptions {
  template?: { options?: object };
}

/** Private fields of the mailer's adapters. */
interface AdapterParts {
  config?: { inlineCssEnabled?: boolean; inlineCssOptions?: object };
  resolveExternalCss?(html: string, options: AdapterOptions): string;
}

/** A compiled template. It returns a promise if the engine has the option `async: true`. */
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
 * Compiles pug with options of the host only. `PugAdapter` itself merges the variables of each message into the compile options: a recipient's
 * field `self` or `pretty` would change how the template compiles, and with `cache: true` for all later recipients too.
 */
export const compilePug: EngineCompiler = (engine, path, options) =>
  // pug's own cache would keep for ever what was compiled from a copy that is removed later.
  (engine as Pug).compileFile(path, { ...options, cache: false });

/** Names that code compiled by ejs reads from outside `with (locals)`. */
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
 * Compiles ejs. `EjsAdapter` itself compiles with options of the host too, but caches by a name without extension, and drops the rejection of an
 * asynchronous template, which ends the process.
 *
 * Templates see variables through `with (locals)`. A field with a name from the compiled code must not replace that name: it is hidden there, but
 * still readable as `locals.include`. Included files get the enumerable fields only, so they do not get such a field at all.
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
 * Replaces an adapter of the mailer: compiles each file once, with options of the host alone, and renders it with the variables of one recipient.
 * Then does to the html what the adapter would do: css of linked files, css inlining.
 */
export class PrecompilingAdapter {
  readonly #templates = new Map<string, Template>();
  readonly #require: NodeJS.Require;

  /**
   * @param packageName of the engine.
   * @param adapterPath from this path, the engine resolves to the one that the adapter uses.
   */
  constructor(
    private readonly adapter: AdapterParts,
    private readonly packageName: string,
    private readonly compiler: EngineCompiler,
    adapterPath: string,
  ) {
    this.#require = createRequire(adapterPath);
  }

  /** Always answers by `done`: the mjml adapter waits for nothing else, and would drop a rejection. */
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
