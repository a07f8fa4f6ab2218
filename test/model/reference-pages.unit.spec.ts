import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import * as mailing from 'nestjs-mailing';
import { describedErrors } from '../../scripts/pages/errors.page.js';
import { boundsOf, type DescribedOption, describedOptions } from '../../scripts/pages/options.page.js';
import { REFERENCE_PAGES } from '../../scripts/pages/reference-pages.js';

/** Base classes, which are never thrown themselves. */
const ABSTRACT = ['MailingError', 'TemplateEmailRequestError'];
/** Thrown by hosts, with codes of others. */
const OF_HOSTS = ['ApiSendError'];

const plain = (words: string): string => words.replaceAll('`', '');

/** What the schema says of an option and its JSDoc lacks. */
function missing({ kind, words }: DescribedOption): string[] {
  // For a group its options say it.
  if (kind?.type === 'options') return [];
  if (words === '') return ['what it is for'];
  if (!kind) return [];
  const bounds = boundsOf(kind);
  const facts = [
    ...(kind.defaultWords === 'required' ? [] : [`Default: ${plain(kind.defaultWords)}`]),
    ...(bounds ? [`Bounds: ${plain(bounds)}`] : []),
  ];
  return facts.filter((fact) => !plain(words).includes(fact));
}

describe('the options', () => {
  const options = describedOptions();

  it.each(options.map((option) => [option.section.heading, option.path, option] as const))(
    '%s: %s: its JSDoc says what its schema does',
    (_, __, option) => {
      expect(missing(option)).toEqual([]);
    },
  );
});

it.each(Object.entries(REFERENCE_PAGES))('%s matches the code (npm run docs:pages)', async (file, page) => {
  expect(await readFile(file, 'utf8')).toBe(page());
});

it('each error has a code of its own and a sentence', () => {
  const errors = describedErrors();
  expect(errors.length).toBeGreaterThan(50);
  expect(new Set(errors.map(({ code }) => code)).size).toBe(errors.length);
  expect(errors.filter(({ words }) => words === '')).toEqual([]);
  // What varies is an ellipsis; one between quotes or braces is part of an example.
  expect(errors.filter(({ next }) => next === '' || /…\.?$|, or …/.test(next))).toEqual([]);
  const named = Object.keys(mailing).filter(
    (name) => name.endsWith('Error') && ![...ABSTRACT, ...OF_HOSTS].includes(name),
  );
  expect(named.filter((name) => !errors.some((error) => error.name === name))).toEqual([]);
});
