import { expect, it } from 'vitest';
import { isContainerName } from '../../../libs/mailing/src/work/servers/container-name.js';

it.each(['3f2a9c07be41', 'shop-7d9f8b6c5d-x2v9k', 'shop-mailer-5c689d88bb-q4w2z'])(
  '%s is the name of a container',
  (name) => {
    expect(isContainerName(name)).toBe(true);
  },
);

it.each([
  'mail1.shop.example',
  'shop-0',
  'shop-mailer-12',
  'web-production-alpha',
  '3f2a9c07be4',
  'cafe',
  '',
])('%s may be a name that stays', (name) => {
  expect(isContainerName(name)).toBe(false);
});
