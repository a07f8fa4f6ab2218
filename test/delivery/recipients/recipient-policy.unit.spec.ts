import { describe, expect, it } from 'vitest';
import { toAddressee } from '../../../libs/mailing/src/delivery/recipients/recipient.policy.js';
import type { RecipientProfile } from '../../../libs/mailing/src/model/ports/profile.repository.js';

const PROFILE: RecipientProfile = { email: 'Ann <ann@home.example>', data: { city: 'Bonn' } };

describe('toAddressee', () => {
  it.each(['Ann\r\nBcc: evil@x.example', 'Ann\u2028Bcc: evil@x.example', ' Ann \0 Bcc: evil@x.example'])(
    'C1 makes one line of the name %j, for the header and for templates',
    (name) => {
      const oneLine = 'Ann Bcc: evil@x.example';
      expect(toAddressee({ idx: 0, email: 'ann@home.example', name }, undefined)).toEqual({
        mailbox: { address: 'ann@home.example', name: oneLine },
        variables: { name: oneLine, email: 'ann@home.example' },
      });
      expect(toAddressee({ idx: 0, userId: '7' }, { ...PROFILE, name })).toMatchObject({
        mailbox: { name: oneLine },
      });
    },
  );

  it('C18 gives templates the address that is mailed, whatever the data says', () => {
    const data = { email: 'other@home.example', userId: '8' };
    expect(toAddressee({ idx: 0, email: 'ann@home.example', data }, undefined)).toMatchObject({
      variables: { email: 'ann@home.example' },
    });
    expect(toAddressee({ idx: 0, userId: '7' }, { ...PROFILE, data })).toMatchObject({
      mailbox: { address: 'ann@home.example', name: 'Ann' },
      variables: { email: 'ann@home.example', userId: '7' },
    });
  });

  it.each([undefined, null, ''])('C7 keeps the known name if data has the name %j', (name) => {
    const profile = { ...PROFILE, name: name ?? undefined, data: { name, firstName: null } };
    expect(toAddressee({ idx: 0, userId: '7' }, profile)).toMatchObject({
      variables: { name: name ?? 'Ann', firstName: null },
    });
  });

  it.each<[string, RecipientProfile | undefined]>([
    ['no_profile', undefined],
    ['no_address', { ...PROFILE, email: null }],
    ['no_address', { ...PROFILE, email: '' }],
    ['email_status_invalid', { ...PROFILE, emailStatus: 'invalid' }],
    ['opted_out', { ...PROFILE, receiveEmail: false }],
    ['invalid_address', { ...PROFILE, email: 'a@b,c@d' }],
  ])('skips a profile with the reason %s', (skip, profile) => {
    const answer = toAddressee({ idx: 0, userId: '7' }, profile);
    expect(answer).toMatchObject({ skip });
    expect((answer as { text: string }).text).toMatch(/\.$/);
  });

  it('B3 skips an invalid address', () => {
    expect(toAddressee({ idx: 0, email: 'a@b,c@d' }, undefined)).toMatchObject({ skip: 'invalid_address' });
  });
});
