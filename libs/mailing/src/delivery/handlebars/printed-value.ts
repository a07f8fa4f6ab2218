import { ignoreOutcomeOf } from '../../model/host-calls/host-call.js';
import { isThenable } from '../../model/values/thenable.js';
import { kindOf } from '../../model/values/value-kind.js';
import { TemplateValueError } from '../../model/mail/template-value.error.js';
import { reasonOf } from '../../model/values/public-text.js';

/** How an object without its own text prints, alone or as an item of a list. */
const WORDLESS = /(?:^|,)\[object [^\]]*\](?:,|$)/;
const PRINT_FIELD = 'Print one of its fields, or give the text itself.';
const NO_WAIT =
  'Handlebars does not wait for promises: look it up before the mailing is sent, and give it in params or data.';

/**
 * What an expression of a template prints. An object prints as its own text (a date, a decimal, a URL, the content of a `SafeString`).
 *
 * @param expression as it is written in the template, for the error.
 * @throws TemplateValueError for a promise, a function, a symbol, and for an object without a text of its own.
 */
export function printedValue(value: unknown, expression: string): unknown {
  if (typeof value === 'string' || value === null || value === undefined) return value;
  if (typeof value === 'function' || typeof value === 'symbol')
    throw new TemplateValueError(expression, kindOf(value), PRINT_FIELD);
  if (typeof value !== 'object') return value;
  if (isThenable(value)) throw refusedPromise(expression, value);
  // A `SafeString` is returned as it is, because html escaping must not change it.
  const isSafe = typeof (value as { toHTML?: unknown }).toHTML === 'function';
  const text = textOf(value, expression);
  const isWordless = Array.isArray(value) || isSafe ? WORDLESS.test(text) : text === tagOf(value);
  if (isWordless) {
    const got = `${kindOf(value)}, which would print as ${WORDLESS.exec(text)?.[0].replaceAll(',', '') ?? text}`;
    throw new TemplateValueError(expression, got, PRINT_FIELD);
  }
  return isSafe ? value : text;
}

/** The error for a promise, because Handlebars needs the value at once. The outcome of the promise is ignored. */
export function refusedPromise(expression: string, promise: PromiseLike<unknown>): TemplateValueError {
  ignoreOutcomeOf(promise);
  return promiseError(expression);
}

export function promiseError(expression: string): TemplateValueError {
  return new TemplateValueError(expression, 'a promise', NO_WAIT, 'a value that is there at once');
}

/** The text of an object, made as Handlebars does. */
function textOf(value: object, expression: string): string {
  try {
    // oxlint-disable-next-line no-implicit-coercion, typescript/no-base-to-string
    return '' + (value as unknown as string);
  } catch (error) {
    const got = `${kindOf(value)} that can't be made a text (${reasonOf(error)})`;
    throw new TemplateValueError(expression, got, PRINT_FIELD);
  }
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value);
}
