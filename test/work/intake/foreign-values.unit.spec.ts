import type { Job } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { batchOf } from '../../../libs/bullmq/src/batch.job.js';
import { ProfileReader } from '../../../libs/ldap/src/profile.reader.js';
import { lookupChain } from '../../../libs/mailing/src/model/values/locale-tag.js';

const WORD = 'x'.repeat(1_000_000);

describe('an attribute value of a directory', () => {
  const reader = new ProfileReader({
    email: 'mail',
    name: null,
    locale: 'preferredLanguage',
    lastEmailed: 'when',
    emailStatus: null,
    receiveEmail: null,
    data: {},
  });
  const read = (values: Record<string, string>) => reader.read({ dn: 'cn=ann', ...values });

  it.each([
    ['de-AT, en;q=0.5', 'de-AT'],
    [`fr,${WORD}`, 'fr'],
    [','.repeat(1_000_000), undefined],
  ])('with languages is parsed only up to a bounded length', (preferredLanguage, locale) => {
    expect(read({ preferredLanguage })).toEqual({ email: null, locale });
  });

  it('that is longer than any valid time is ignored', () => {
    const when = '20260102030405';
    expect(read({ when: `${when}Z` }).lastEmailed).toEqual(new Date('2026-01-02T03:04:05Z'));
    expect(read({ when: `${when}.${'0'.repeat(84)}Z` }).lastEmailed).toEqual(
      new Date('2026-01-02T03:04:05Z'),
    );
    expect(read({ when: `${when}.${'0'.repeat(85)}Z` })).toEqual({ email: null });
    expect(read({ when: `${when}.${'0'.repeat(1_000_000)}` })).toEqual({ email: null });
  });

  it('that is no text does not hide other values of its attribute', () => {
    const withWish = new ProfileReader({
      email: 'mail',
      name: 'cn',
      locale: null,
      lastEmailed: null,
      emailStatus: null,
      receiveEmail: { attribute: 'wish', no: ['no'] },
      data: { town: 'l' },
    });
    // The client returns all values of an attribute as bytes if one of them is not UTF-8.
    const wish = [Buffer.from([0xfc]), Buffer.from('no')];
    const l = [Buffer.from('Gr\xfcn', 'latin1'), Buffer.from('Łódź')];
    const entry = { dn: 'cn=ann', mail: 'ann@home.example', cn: Buffer.from('M\xfcller', 'latin1'), wish, l };
    expect(withWish.read(entry)).toEqual({
      email: 'ann@home.example',
      receiveEmail: false,
      data: { town: 'Łódź' },
    });
  });
});

describe('a job of a queue', () => {
  const batch = (mailingId: string) =>
    batchOf({ name: 'batch', data: { mailingId, startIdx: 0 } } as Job<unknown>);

  it('is ignored if its mailing id is longer than an id', () => {
    expect(batch('0'.repeat(36))).toEqual({ mailingId: '0'.repeat(36), startIdx: 0 });
    expect(batch('0'.repeat(37))).toBeNull();
  });
});

describe('a language tag', () => {
  it('is ignored above 35 characters', () => {
    expect(
      lookupChain(`de-${'a'.repeat(8)}-${'b'.repeat(8)}-${'c'.repeat(8)}-${'d'.repeat(5)}`),
    ).toHaveLength(5);
    expect(lookupChain(`de-${'a'.repeat(8)}-${'b'.repeat(8)}-${'c'.repeat(8)}-${'d'.repeat(6)}`)).toEqual([]);
    expect(lookupChain(`de${'-a'.repeat(500_000)}`)).toEqual([]);
  });
});
