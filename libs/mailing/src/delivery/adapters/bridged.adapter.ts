import { createRequire } from 'node:module';
import { extname } from 'node:path';
import type { MailerOptions } from '@nestjs-modules/mailer';
import {
  type AdapterMail,
  PrecompilingAdapter,
  compileEjs,
  compilePug,
  type EngineCompiler,
} from './precompiling.adapter.js';

export type Adapter = NonNullable<NonNullable<MailerOptions['template']>['adapter']>;

/** Options that pug takes out of the variables that `PugAdapter` gives it. */
const PUG_OPTIONS =
  'basedir cache compileDebug debug doctype filename filterAliases filterOptions filters globals inlineRuntimeFunctions plugins pretty self __proto__'.split(
    ' ',
  );

const PRECOMPILED: Record<string, { packageName: string; compiler: EngineCompiler }> = {
  PugAdapter: { packageName: 'pug', compiler: compilePug },
  EjsAdapter: { packageName: 'ejs', compiler: compileEjs },
};

/**
 * An adapter of the mailer as it may be used for many recipients.
 *
 * *Invariant: what a recipient gives reaches an engine as variables only, never as options to compile with, nor as a key of a cache.*
 *
 * - pug and ejs are compiled by `PrecompilingAdapter`, which says why.
 * - mjml has another adapter make its source, and has no options from anyone.
 * - liquid is used as it is: it gets the variables at rendering only, and makes an engine for each message. Its adapter takes the last dot of
 *   a name for an extension, so a file in a language (`letter.fr.liquid`) has to come with its extension twice.
 * - Handlebars and nunjucks are used as they are: they compile with options of the host, at the first rendering, which is the trial with a
 *   made-up recipient, and get the variables of a recipient at rendering only.
 * - So is one of the host's own. What extends `PugAdapter` and has its own `compile` will merge variables into options; there, a recipient
 *   with a field that pug takes for an option is an error of its own.
 */
export function bridgedAdapter(adapter: Adapter): Adapter {
  const name = nameOfCompile(adapter);
  const precompiled = name === null ? undefined : PRECOMPILED[name];
  const adapterPath = precompiled && pathOf(precompiled.packageName, name as string, adapter);
  if (precompiled && adapterPath !== undefined)
    return new PrecompilingAdapter(
      adapter as object,
      precompiled.packageName,
      precompiled.compiler,
      adapterPath,
    );
  if (namesOf(adapter).includes('PugAdapter')) return refusingOptions(adapter);
  if (name === 'LiquidAdapter' && pathOf('liquid', name, adapter)) return withExtensionTwice(adapter);
  const { engine } = adapter as { engine?: Adapter };
  if (name !== 'MjmlAdapter' || typeof engine?.compile !== 'function' || !pathOf('mjml', name, adapter))
    return adapter;
  return Object.create(adapter, { engine: { value: bridgedAdapter(engine) } }) as Adapter;
}

/** Of the class that the function `compile` comes from; null where an object has its own. */
function nameOfCompile(adapter: Adapter): string | null {
  if (Object.hasOwn(adapter, 'compile')) return null;
  for (let one = prototypeOf(adapter); one; one = prototypeOf(one)) {
    if (Object.hasOwn(one, 'compile')) return nameOf(one);
  }
  return null;
}

function namesOf(adapter: Adapter): string[] {
  const names: string[] = [];
  for (let one = prototypeOf(adapter); one; one = prototypeOf(one)) names.push(nameOf(one));
  return names;
}

/** An object need not have a constructor. */
function nameOf(prototype: object): string {
  return (prototype as { constructor?: { name: string } }).constructor?.name ?? '';
}

function prototypeOf(value: object): object | null {
  return Object.getPrototypeOf(value) as object | null;
}

/** Where the adapter of the mailer lies; undefined if this one is another class of the same name. */
function pathOf(packageName: string, className: string, adapter: Adapter): string | undefined {
  const load = createRequire(import.meta.url);
  try {
    const path = load.resolve(`@nestjs-modules/mailer/adapters/${packageName}.adapter`);
    const theirs = load(path) as Record<string, { prototype: Adapter }>;
    return theirs[className].prototype.compile === adapter.compile ? path : undefined;
  } catch {
    // A host that has been bundled, or a second copy of the mailer.
    return undefined;
  }
}

function refusingOptions(adapter: Adapter): Adapter {
  return {
    compile: (mail: AdapterMail, done, options) => {
      const field = PUG_OPTIONS.find((one) => Object.hasOwn(mail.data.context, one));
      if (field !== undefined) {
        const reason = `a recipient must not have a field "${field}": the pug adapter of this host would take it for an option of pug`;
        throw new Error(
          `${reason}. Use PugAdapter of @nestjs-modules/mailer, or give the field another name.`,
        );
      }
      adapter.compile(mail, done, options);
    },
  };
}

function withExtensionTwice(adapter: Adapter): Adapter {
  return {
    compile: ({ data }: AdapterMail, done, options) => {
      data.template += extname(data.template);
      adapter.compile({ data }, done, options);
    },
  };
}
