// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
// oxlint-disable-next-line no-control-regex
const CONTROLS = new RegExp(CONTROL, 'g');

/** Cuts a text without splitting a character: half a surrogate pair at the end would be no valid text. */
export function cutText(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : text.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, '');
}

/**
 * Folds control characters and runs of white space into single spaces, for foreign text that goes into a header, a log or a report. For the
 * plugin and its parts.
 *
 * @example
 * ```ts
 * console.warn(`The import failed: ${toOneLine('no such table\nDROP')}`);
 * ```
 */
export function toOneLine(text: string): string {
  return text === '' ? '' : text.replace(CONTROLS, ' ').replace(/\s+/g, ' ').trim();
}

/** True if the text could break out of a header line. */
export function hasControlCharacters(text: string): boolean {
  return CONTROL.test(text);
}
