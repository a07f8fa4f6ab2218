import { extname } from 'node:path';
import { lookupChain } from '../../model/values/locale-tag.js';
import { InvalidFieldError } from '../../model/errors/request.errors.js';

/**
 * The files of a template in other languages: those with a tag before the extension, `letter.fr-CA.hbs` for `letter.hbs`.
 *
 * @param files with the same folders before their names as `template` has.
 * @returns by tag in lower case, in the order of their names.
 */
export function filesByLanguage(files: Iterable<string>, template: string): Map<string, string[]> {
  const extension = extname(template);
  const start = `${template.slice(0, -extension.length)}.`;
  const languages = new Map<string, string[]>();
  for (const file of [...files].sort()) {
    if (!file.startsWith(start) || !file.endsWith(extension)) continue;
    const [tag] = lookupChain(file.slice(start.length, -extension.length));
    if (tag) languages.set(tag, [...(languages.get(tag) ?? []), file]);
  }
  return languages;
}

/** @throws InvalidFieldError if two files have the same language, as `letter.fr-CA.hbs` and `letter.fr_ca.hbs` do. */
export function assertOneFileEach(templateUrl: string, languages: Map<string, string[]>): void {
  for (const [tag, [first, second]] of languages) {
    if (second === undefined) continue;
    const expected = `a template with one file for each language, and ${first} and ${second} are both "${tag}"`;
    throw new InvalidFieldError('templateUrl', expected, templateUrl);
  }
}
