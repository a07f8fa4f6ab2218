import { MailingOptionsError, type UnsubscribeOptions } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { toUnsubscribeSettings } from '../../libs/mailing/src/model/options/unsubscribe.settings.js';

const secret = 'a secret that only tests know, and nobody else';
const baseUrl = 'https://shop.example/unsubscribe?from=letter';

describe('the option unsubscribe', () => {
  const refusalOf = (options: object): unknown => {
    try {
      toUnsubscribeSettings(options as UnsubscribeOptions);
    } catch (error) {
      return error;
    }
    return null;
  };

  it('makes links below the base URL, with tokens that it verifies', () => {
    const { url, tokens, mailto } = toUnsubscribeSettings({ baseUrl, secret: [secret] });
    const who = { mailingId: null, idx: 3, email: 'ann@home.example', userId: 'ann' };
    const link = new URL(url?.(who) as string);
    expect(`${link.origin}${link.pathname}`).toBe('https://shop.example/unsubscribe');
    expect(link.searchParams.get('from')).toBe('letter');
    expect(tokens?.verify(link.searchParams.get('token'))).toEqual({
      mailingId: null,
      idx: 3,
      userId: 'ann',
    });
    expect(mailto).toBeNull();
  });

  it.each([
    ['leave@shop.example', 'mailto:leave@shop.example'],
    ['a?b&c@shop.example', 'mailto:a%3Fb%26c@shop.example'],
    ['mailto:leave@shop.example?subject=leave', 'mailto:leave@shop.example?subject=leave'],
  ])('accepts %s for mailto', (mailto, expected) => {
    expect(toUnsubscribeSettings({ mailto })).toEqual({ url: null, mailto: expected, tokens: null });
  });

  it.each([
    ['unsubscribe', null as unknown as object],
    ['unsubscribe.baseUrl', {}],
    ['unsubscribe.baseUrl', { secret, baseUrl: 'http://shop.example/unsubscribe' }],
    ['unsubscribe.baseUrl', { secret, baseUrl: '/unsubscribe' }],
    ['unsubscribe.baseUrl', { secret, baseUrl: 'https://ann:pw@shop.example/' }],
    ['unsubscribe.baseUrl', { secret, baseUrl: 'https://shop.example/#leave' }],
    ['unsubscribe.baseUrl', { secret, baseUrl: `https://shop.example/${'x'.repeat(200)}` }],
    ['unsubscribe.secret', { baseUrl }],
    ['unsubscribe.secret', { baseUrl, secret: 'hunter2' }],
    ['unsubscribe.secret', { baseUrl, secret: [] }],
    ['unsubscribe.secret', { secret, url: () => 'https://shop.example/' }],
    ['unsubscribe.tokenLifetimeMs', { mailto: 'a@shop.example', tokenLifetimeMs: 2_592_000_000 }],
    ['unsubscribe.tokenLifetimeMs', { baseUrl, secret, tokenLifetimeMs: 2_591_999_999 }],
    ['unsubscribe.tokenLifetimeMs', { baseUrl, secret, tokenLifetimeMs: 315_360_000_001 }],
    ['unsubscribe.url', { baseUrl, secret, url: () => 'https://shop.example/' }],
    ['unsubscribe.url', { url: 'https://shop.example/' }],
    ['unsubscribe.mailto', { mailto: 'nobody' }],
    ['unsubscribe.mailto', { mailto: 'mailto:a@shop.example>\r\nBcc: evil@x.example' }],
    ['unsubscribe.secrets', { baseUrl, secrets: 'hunter2' }],
  ])('names %s when it refuses %j, and shows no secret', (option, options) => {
    const error = refusalOf(options);
    expect(error).toBeInstanceOf(MailingOptionsError);
    expect(error).toMatchObject({ option });
    expect(JSON.stringify([error, (error as Error).message])).not.toContain('hunter2');
  });
});
