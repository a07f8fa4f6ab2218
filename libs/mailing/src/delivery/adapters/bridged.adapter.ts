import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import type { MailerOptions } from '@nestjs-modules/mailer';
import {
  type AdapterMail,
  PrecompilingAdapter,
  compileEjs,
  compilePug,
  type EngineCompiler,
} from './precompiling.adapter.js';

export type Adapter = NonNullable<NonNullable<MailerOptions['template']>['adapter']>;

/** Options that pug reads from the variables that `PugAdapter` gives it. */
const PUG_OPTIONS =
  'basedir cache compileDebug debug doctype filename filterAliases filterOptions filters globals inlineRuntimeFunctions plugins pretty self __proto__'.split(
    ' ',
  );

const PRECOMPILED: Record<string, { packageName: string; compiler: EngineCompiler }> = {
  PugAdapter: { packageName: 'pug', compiler: compilePug },
  EjsAdapter: { packageName: 'ejs', compiler: compileEjs },
};

/**
 * Makes an adapter of the mailer safe to use for many recipients.
 *
 * *Invariant: a recipient's data reaches an engine as variables only, never as compile options, nor as the key of a cache.*
 *
 * - pug and ejs are compiled by `PrecompilingAdapter`; the reasons are there.
 * - mjml has another adapter make its source, which is bridged as well, and gets no options.
 * - liquid is used unchanged: it gets the variables at rendering only, and makes an engine for each message. Its adapter takes the last dot of a
 *   name for an extension, so a file in a language (`letter.fr.liquid`) is passed with its extension twice.
 * - Handlebars and nunjucks are used unchanged: they compile with options of the host, at the first rendering, which is the trial with a made-up
 *   recipient, and get the variables of a recipient at rendering only.
 * - A host's own adapter is used unchanged. One that extends `PugAdapter` with its own `compile` would merge variables into options; there, a
 *   recipient with a field that pug takes for an option ends as an error.
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

/** Name of the class that defines `compile`; null if the object itself does. */
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

/** The build is CommonJS. As ES modules, which have no `__filename`, the sources run in this repository only, from its folder. */
const OWN_FILE = typeof __filename === 'string' ? __filename : join(process.cwd(), 'package.json');

/** Path of the mailer's own adapter; undefined if this one is another class of the same name. */
function pathOf(packageName: string, className: string, adapter: Adapter): string | undefined {
  const load = createRequire(OWN_FILE);
  try {
    const path = load.resolve(`@nestjs-modules/mailer/adapters/${packageName}.adapter`);
    const theirs = load(path) as Record<string, { prototype: Adapter }>;
    return theirs[className].prototype.compile === adapter.compile ? path : undefined;
  } catch {
    // The host is bundled, or has a second copy of the mailer.
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
