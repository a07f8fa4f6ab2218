import type { TemplateHelper } from '../../model/options/content-options.js';
import { takeFromHost } from '../../model/host-calls/host-call.js';
import { isThenable } from '../../model/values/thenable.js';
import { TemplateValueError } from '../../model/mail/template-value.error.js';
import { promiseError, refusedPromise } from './printed-value.js';

const WORDLESS = /\[object [^\]]*\]/;

/** Handlebars' own, under names that no template has. */
const HIDDEN = new Set(['helperMissing', 'blockHelperMissing']);

/** What Handlebars gives a helper last. */
interface Options {
  name?: string;
  hash?: Record<string, unknown>;
  fn?: unknown;
}

/**
 * Calls a helper of a template, of the host or of Handlebars.
 *
 * @throws TemplateValueError, from what it returns, if the helper is given a promise or returns one, or if it makes a text of an object that
 * has none.
 */
export function guardedHelper(name: string, helper: TemplateHelper): TemplateHelper {
  const nameIn = (options: Options): string => (HIDDEN.has(name) ? `{{#${options.name}}}` : `helper ${name}`);
  return function guarded(this: unknown, ...parameters: unknown[]): unknown {
    const options = parameters[parameters.length - 1] as Options;
    // Called a few times for each message, so nothing is made here that is not needed.
    for (let n = 0; n < parameters.length - 1; n++) {
      if (isThenable(parameters[n])) throw refusedParameter(nameIn(options), parameters[n]);
    }
    for (const key in options.hash) {
      if (isThenable(options.hash[key])) throw refusedParameter(nameIn(options), options.hash[key]);
    }
    const result = takeFromHost<unknown>(
      () => helper.apply(this, parameters) as unknown,
      () => promiseError(nameIn(options)),
    );
    // A block shows what is written in it, which may be anything.
    const isSuspect = typeof result === 'string' && options.fn === undefined && result.includes('[object ');
    if (isSuspect)
      assertWords(nameIn(options), result, [...parameters, ...Object.values(options.hash ?? {})]);
    return result;
  };
}

function refusedParameter(name: string, promise: unknown): TemplateValueError {
  return refusedPromise(`a parameter of ${name}`, promise as PromiseLike<unknown>);
}

/** `Dear ${customer}` of an object: Handlebars sees a text that the helper made. */
function assertWords(expression: string, result: string, given: unknown[]): void {
  const wordless = WORDLESS.exec(result)?.[0];
  if (wordless === undefined) return;
  if (given.some((one) => typeof one === 'string' && one.includes(wordless))) return;
  throw new TemplateValueError(
    expression,
    `one with ${wordless} in it, which is an object`,
    'Have the helper print a field of the object, or return a text where it returns a promise.',
  );
}
