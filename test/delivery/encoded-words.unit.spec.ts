import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodedWords } from '../../libs/mailing/src/delivery/mime/encoded-words.js';

const WORD = /^=\?UTF-8\?B\?([A-Za-z0-9+/]+=*)\?=$/;

it('encoded words are short, and each contains whole characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }), (text) => {
      const lines = encodedWords(text).split('\r\n');
      const words = lines.map((line, n) => WORD.exec(n === 0 ? line : line.slice(1))?.[1] ?? 'none');
      // Decodes each word alone, and fails on half a character.
      const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
      expect(words.map((word) => decoder.decode(Buffer.from(word, 'base64'))).join('')).toBe(text);
      expect(
        Math.max(...lines.map((line, n) => line.length + (n === 0 ? 'Subject: '.length : 0))),
      ).toBeLessThanOrEqual(76);
    }),
  );
});
