import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { boundsOf, describedOptions, OPTIONS_PAGE, optionsPage } from '../../scripts/options-page.js';

const plain = (words: string): string => words.replaceAll('`', '');

describe('the options', async () => {
  const options = await describedOptions();

  it.each(options.map((option) => [option.path, option] as const))(
    '%s: its JSDoc says what its schema does',
    (_, option) => {
      const { kind, words } = option;
      // A group says it of each of its options.
      const isGroup = kind?.type === 'options';
      if (!isGroup) expect(words).not.toBe('');
      if (!kind || isGroup) return;
      if (kind.defaultWords !== 'required')
        expect(plain(words)).toContain(`Default: ${plain(kind.defaultWords)}`);
      const bounds = boundsOf(kind);
      if (bounds) expect(plain(words)).toContain(`Bounds: ${plain(bounds)}`);
    },
  );

  it('stand in docs/options.md as they are (npm run docs:options)', async () => {
    expect(await readFile(OPTIONS_PAGE, 'utf8')).toBe(await optionsPage());
  });
});
