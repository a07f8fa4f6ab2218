import { describe, expect, it } from 'vitest';
import { toPublicText } from '../../libs/mailing/src/model/values/public-text.js';

describe('a foreign text in events and logs', () => {
  it.each([
    [
      '550-5.1.1 <ann@home.example> unknown\r\n550 see https://x.example',
      '550-5.1.1 <(an address)> unknown 550 see https://x.example',
    ],
    ["no user 'o'brien@home.example'", 'no user (an address)'],
    ['"ann of home"@home.example: no', '(an address) no'],
    ['ann@[192.0.2.1], bob@home.example', '(an address) (an address)'],
    ['zoë@bücher.example\u0000\u001b[31m', '(an address) [31m'],
    ['bounce+ann=home.example@list.example', '(an address)'],
    ['https://shop.example/u?who=ann%40home.example', '(an address)'],
    ['pay\u202eelpmaxe\u2066 \u200bnow', 'payelpmaxe now'],
    ["Access denied for user 'mailing'@'10.0.0.5'", "Access denied for user 'mailing'@'10.0.0.5'"],
    ['half a letter: \ud83d', 'half a letter: \ufffd'],
    ['5.7.1 blocked', '5.7.1 blocked'],
    ['', ''],
  ])('shows no address, and is one line: %j', (text, shown) => {
    expect(toPublicText(text)).toBe(shown);
  });

  it('has at most 1,000 characters, and no address is cut in two by that', () => {
    const text = `${'x '.repeat(495)}ann.of.the.long.name@home.example`;
    expect(toPublicText(text)).toBe(`${'x '.repeat(495)}(an addres`);
    expect(toPublicText('y'.repeat(1_000_000))).toHaveLength(1_000);
  });
});
