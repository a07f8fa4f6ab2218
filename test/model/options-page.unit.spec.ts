import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  boundsOf,
  type DescribedOption,
  describedOptions,
  OPTIONS_PAGE,
  optionsPage,
} from '../../scripts/options-page.js';

const plain = (words: string): string => words.replaceAll('`', '');

/** What the schema says of an option and its JSDoc does not. */
function missing({ kind, words }: DescribedOption): string[] {
  // A group says it of each of its options.
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

describe('the options', async () => {
  const options = await describedOptions();

  it.each(options.map((option) => [option.path, option] as const))(
    '%s: its JSDoc says what its schema does',
    (_, option) => {
      expect(missing(option)).toEqual([]);
    },
  );

  it('stand in docs/options.md as they are (npm run docs:options)', async () => {
    expect(await readFile(OPTIONS_PAGE, 'utf8')).toBe(await optionsPage());
  });
});
