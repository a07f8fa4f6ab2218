import { describe, expect, it } from 'vitest';
import { toListedRecipient } from '../../libs/mailing/src/model/mail/listed-recipient.js';
import type { Recipient } from '../../libs/mailing/src/model/mail/recipient.js';

const listed = (value: unknown): ReturnType<typeof toListedRecipient> =>
  toListedRecipient(value as Recipient, true);

describe('a profile in a list', () => {
  it.each([
    ['seven', 'seven'],
    ['uid=zoë,ou=people,o=shop', 'uid=zoë,ou=people,o=shop'],
    ['x'.repeat(255), 'x'.repeat(255)],
    [7, '7'],
    [0, '0'],
    [2n ** 63n, '9223372036854775808'],
  ])('is listed by the id %s', (userId, text) => {
    expect(listed({ userId })).toEqual({ kind: 'profile', userId: text });
  });

  it('may have other properties, which are ignored', () => {
    const profile = { userId: '7', email: 'old@home.example', receiveEmail: true, self: {} };
    profile.self = profile;
    expect(listed(profile)).toEqual({ kind: 'profile', userId: '7' });
  });

  it.each([
    ['', ''],
    ['x'.repeat(256), 'x'.repeat(256)],
    [2 ** 53, '9007199254740992'],
    [1.5, '1.5'],
    [Number.NaN, 'NaN'],
    [null, 'null'],
    [undefined, 'nothing'],
    [{ of: 1n }, 'an object'],
  ])('is an invalid recipient with the id %s', (userId, shownAs) => {
    expect(listed({ userId })).toMatchObject({ kind: 'invalid', shownAs, reason: 'invalid_recipient' });
  });

  it.each(['a\ud83d', 'a\0'])('is invalid with an id that a database would change: %j', (userId) => {
    expect(listed({ userId })).toMatchObject({ kind: 'invalid' });
  });

  it('is invalid without an id or an address', () => {
    expect(listed({ id: '7', name: 'Ann' })).toMatchObject({ kind: 'invalid', reason: 'invalid_recipient' });
  });
});
