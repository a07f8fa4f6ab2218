import type { Recipient, TemplateEmailRequest } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';

/** Names that try to be parsed as addresses. */
const HOSTILE = [
  'x" <evil@evil.example>, "y',
  '" <evil@evil.example>',
  'x" <evil@evil.example> (',
  'x" evil@evil.example (',
  'x" evil@evil.example, "',
  'x": evil@evil.example;"',
  'x" <evil@evil.example>\r\nBcc: evil@evil.example\r\nX: "',
  'x\r\nBcc: evil@evil.example',
  'x\u2028Bcc: evil@evil.example',
  'x\u0000" <evil@evil.example>, "',
];

describe('addresses of the front matter', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const withFrontMatter = (yaml: string) => ({ 'letter.hbs': `---\n${yaml}\n---\nbody` });

  const send = async (yaml: string, list: Recipient[]): Promise<{ numSent: number; numErrors: number }> => {
    const app = await rig.boot({ errorGuard: { sampleSize: 0 } }, { templates: withFrontMatter(yaml) });
    const info: TemplateEmailRequest = {
      templateUrl: 'letter.hbs',
      subject: INFO.subject,
      from: /^from:/m.test(yaml) ? undefined : INFO.from,
      fillFromTemplate: true,
    };
    const { completed, mailingId } = await app.sender.sendEmailMessage(info, list, {
      persist: true,
      runInSeparateThread: false,
    });
    const { recipients } = await rig.progress(mailingId as string);
    const failed = recipients.filter(({ status }) => status === 'error');
    expect(failed.map(({ errorCode }) => errorCode)).toEqual(failed.map(() => 'template'));
    return completed;
  };

  it.each(['from', 'replyTo', 'cc', 'bcc'])(
    'C1 a hostile name adds no address to %s, and moves none',
    async (key) => {
      const list = [
        { email: 'ann@home.example', data: { name: "Ann O'Neill, Sales" } },
        ...HOSTILE.map((name, n) => ({ email: `reader${n}@home.example`, data: { name } })),
      ];
      const { numSent, numErrors } = await send(`${key}: '"{{name}}" <boss@shop.example>'`, list);
      expect(numSent + numErrors).toBe(list.length);
      const toAnn = rig.inbox.messages.find(({ to }) => to[0] === 'ann@home.example');
      const { from, replyTo, cc } = (await toAnn?.parsed()) ?? {};
      const named = { value: [{ name: "Ann O'Neill, Sales", address: 'boss@shop.example' }] };
      const seen: Record<string, unknown> = { from, replyTo, cc, bcc: named };
      expect(seen[key]).toMatchObject(named);
      const copies = ['cc', 'bcc'].includes(key) ? ['boss@shop.example'] : [];
      expect(toAnn?.to.slice(1)).toEqual(copies);
      for (const message of rig.inbox.messages) {
        expect(message.to.filter((one) => one.includes('evil'))).toEqual([]);
        const parsed = await message.parsed();
        const copied = Array.isArray(parsed.cc) ? parsed.cc : [parsed.cc];
        const addresses = [parsed.from, parsed.replyTo, ...copied].flatMap((one) => one?.value ?? []);
        expect(addresses.filter(({ address }) => address?.includes('evil'))).toEqual([]);
        expect(parsed.headers.has('bcc')).toBe(false);
      }
    },
  );

  it('one mustache is one mailbox at most, a comma in quotes is no separator, and empty values are left out', async () => {
    const yaml = `cc: '"Sales, {{region}}" <sales@shop.example>, {{boss}}, {{#if also}}also@shop.example{{/if}}'`;
    const { numSent, numErrors } = await send(yaml, [
      { email: 'ann@home.example', data: { region: 'North', boss: 'boss@shop.example', also: true } },
      { email: 'bob@home.example', data: { region: 'South' } },
      { email: 'eve@home.example', data: { boss: 'one@shop.example, two@shop.example' } },
    ]);
    expect([numSent, numErrors]).toEqual([2, 1]);
    expect(Object.fromEntries(rig.inbox.messages.map(({ to }) => [to[0], to.slice(1)]))).toEqual({
      'ann@home.example': ['sales@shop.example', 'boss@shop.example', 'also@shop.example'],
      'bob@home.example': ['sales@shop.example'],
    });
  });

  it('a comma in a comment is no separator, unless the comment only looks like one', async () => {
    const yaml = `cc: 'Sales (North, {{region}}, all) <sales@shop.example>, "Boss :(" <boss@shop.example>, also@shop.example'`;
    const { numSent } = await send(yaml, [
      { email: 'ann@home.example', data: { region: 'South' } },
      { email: 'eve@home.example', data: { region: 'x) <evil@evil.example>, (' } },
    ]);
    expect(rig.inbox.messages.find(({ to }) => to[0] === 'ann@home.example')?.to.slice(1)).toEqual([
      'sales@shop.example',
      'boss@shop.example',
      'also@shop.example',
    ]);
    expect(numSent).toBe(rig.inbox.messages.length);
    for (const { to } of rig.inbox.messages) expect(to).not.toContain('evil@evil.example');
  });

  it('a list that is not written as one is refused at once where it can be detected', async () => {
    const { sender } = await rig.boot({}, { templates: withFrontMatter("cc: '{{{ccList}}}'") });
    const info = { ...INFO, fillFromTemplate: true, params: { ccList: 'a@shop.example, b@shop.example' } };
    await expect(sender.sendEmailMessage(info, [])).rejects.toMatchObject({
      code: 'MAILING_TEMPLATE_FRONT_MATTER',
      key: 'cc',
    });
  });
});
