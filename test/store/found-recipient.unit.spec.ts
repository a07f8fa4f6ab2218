import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { toFound } from '../../libs/mailing/src/store/recipients/found-recipient.js';

const found = (data: unknown) =>
  toFound('emailAddress', { idx: 1, attempts: 0, email_address: 'a@b.example', data });

describe('the data of a recipient’s row', () => {
  it.each([
    ['an object as a text', '{"a":1}', { a: 1 }, false],
    ['an object', { a: 1 }, { a: 1 }, false],
    ['nothing', null, undefined, false],
    ['no JSON', '{', undefined, true],
    ['the text null', 'null', undefined, true],
    ['a text', '"tea"', undefined, true],
    ['a list', '[1]', [1], true],
  ])('is parsed once, and is unreadable unless it is an object: %s', (_, stored, data, isUnreadable) => {
    const parse = vi.spyOn(JSON, 'parse');
    onTestFinished(() => parse.mockRestore());
    expect(found(stored)).toMatchObject({ data, isUnreadable });
    expect(parse).toHaveBeenCalledTimes(typeof stored === 'string' ? 1 : 0);
  });
});
