import { extname } from 'node:path';
import { lookupChain } from '../../model/values/locale-tag.js';
import { InvalidFieldError, TemplateMissingError } from '../../model/errors/request.errors.js';

/**
 * A file system that ignores letter case opens a template that is spelled otherwise, and its languages would not be found. Unicode has two
 * spellings of `é`, which count as one, as macOS has it.
 *
 * @param files of the folder. @param wanted the name of the template among them.
 * @throws TemplateMissingError if a file has this name but for letter case, and none has this very name.
 */
export function assertSpelled(files: readonly string[], wanted: string, templateUrl: string): void {
  const name = wanted.normalize();
  const isSimilar = (file: string): boolean => file.normalize().toLowerCase() === name.toLowerCase();
  if (files.some((file) => file.normalize() === name)) return;
  const similar = files.find(isSimilar);
  if (similar === undefined) return;
  throw new TemplateMissingError(templateUrl, wanted, new Error(`The file is spelled ${similar}.`));
}

/**
 * The files of a template in other languages: those with a tag before the extension, `letter.fr-CA.hbs` for `letter.hbs`.
 *
 * @param files with the same folders before their names as `template` has.
 * @returns by tag in lower case, in the order of their names.
 */
export function filesByLanguage(files: Iterable<string>, template: string): Map<string, string[]> {
  const extension = extname(template);
  const start = `${template.slice(0, -extension.length)}.`.normalize();
  const languages = new Map<string, string[]>();
  for (const file of [...files].sort()) {
    const spelled = file.normalize();
    if (!spelled.startsWith(start) || !spelled.endsWith(extension)) continue;
    const [tag] = lookupChain(spelled.slice(start.length, -extension.length));
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
