import type { TemplateHelper } from '../../model/options/content-options.js';
import { takeFromHost } from '../../model/host-calls/host-call.js';
import { isThenable } from '../../model/values/thenable.js';
import { TemplateValueError } from '../../model/mail/template-value.error.js';
import { promiseError, refusedPromise } from './printed-value.js';

const WORDLESS = /\[object [^\]]*\]/;

/** Internal helpers of Handlebars, whose names are in no template. */
const HIDDEN = new Set(['helperMissing', 'blockHelperMissing']);

/** The last argument that Handlebars gives a helper. */
interface Options {
  name?: string;
  hash?: Record<string, unknown>;
  fn?: unknown;
}

/**
 * Wraps a helper, the host's or Handlebars' own, with checks.
 *
 * @throws TemplateValueError, from the returned function, if the helper gets or returns a promise, or if it makes a text of an object that has
 * none.
 */
export function guardedHelper(name: string, helper: TemplateHelper): TemplateHelper {
  const nameIn = (options: Options): string => (HIDDEN.has(name) ? `{{#${options.name}}}` : `helper ${name}`);
  return function guarded(this: unknown, ...parameters: unknown[]): unknown {
    const options = parameters[parameters.length - 1] as Options;
    // Runs several times for each message, so it makes nothing that is not needed.
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
    // A block may contain any text, so only expressions are checked.
    const isSuspect = typeof result === 'string' && options.fn === undefined && result.includes('[object ');
    if (isSuspect)
      assertWords(nameIn(options), result, [...parameters, ...Object.values(options.hash ?? {})]);
    return result;
  };
}

function refusedParameter(name: string, promise: unknown): TemplateValueError {
  return refusedPromise(`a parameter of ${name}`, promise as PromiseLike<unknown>);
}

/** Refuses `Dear ${customer}` with an object: the helper has made the text itself, so `printedValue` can't see the object. */
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
