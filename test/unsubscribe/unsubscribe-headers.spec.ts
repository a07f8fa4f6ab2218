import { generateKeyPairSync } from 'node:crypto';
import {
  Mailing,
  type MailingModuleOptions,
  TemplateEmailPreview,
  UnsubscribeTokens,
  type UnsubscribeRecipient,
} from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { INFO, MailingRig } from '../support/hosts/mailing-rig.js';
import type { ReceivedMessage } from '../support/network/received-message.js';

const secret = 'a secret that only tests know, and nobody else';
const baseUrl = 'https://shop.example/unsubscribe';
const templates = { 'letter.hbs': '<p>Dear {{name}}</p><a href="{{unsubscribeUrl}}">no more</a>' };

const linkOf = (message: ReceivedMessage): URL =>
  new URL(/^<([^>]+)>/.exec(message.header('List-Unsubscribe') ?? '')?.[1] ?? '');
const hrefOf = async (message: ReceivedMessage): Promise<string> => {
  const { html } = await message.parsed();
  return (/href="([^"]*)"/.exec(String(html))?.[1] ?? '').replace(/&#x3D;/g, '=').replace(/&amp;/g, '&');
};

forEachDatabase('List-Unsubscribe', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('C14 has both headers with a signed link of its own for each recipient, and the same link in the body', async () => {
    const app = await rig.boot({ unsubscribe: { baseUrl, secret } }, { templates });
    const list = ['ann@home.example', 'bob@bücher.example'];
    const { completed, mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    expect(await completed).toMatchObject({ numSent: 2 });
    const tokens = new UnsubscribeTokens(secret);
    for (const message of rig.inbox.messages) {
      expect(message.header('List-Unsubscribe')).toMatch(/^<https:[^<>\s]+>$/);
      expect(message.header('List-Unsubscribe-Post')).toBe('List-Unsubscribe=One-Click');
      const link = linkOf(message);
      const idx = message.to[0].startsWith('ann') ? 0 : 1;
      const target = { mailingId, idx, email: message.to[0] };
      expect(tokens.verify(link.searchParams.get('token'))).toEqual(target);
      // The token is random text, in which any short word may be; what it hides is tested with UnsubscribeTokens.
      const shown = link.href.replace(link.searchParams.get('token') as string, '');
      expect(shown).not.toMatch(/ann|bob|home|example\/.*example/);
      expect(await hrefOf(message)).toBe(link.href);
    }
  });

  it('is absent in a mailing that turns it off, also after a restart', async () => {
    const unsubscribe = { baseUrl, secret };
    let app = await rig.boot({ unsubscribe }, { templates });
    const info = { ...INFO, unsubscribe: false };
    const isLater = { persist: true, sendAt: new Date(Date.now() + 3_600_000) };
    const { mailingId } = await app.sender.sendEmailMessage(info, ['ann@home.example'], isLater);
    const { mailingId: other } = await app.sender.sendEmailMessage(INFO, ['bob@home.example'], isLater);
    await app.close();
    const mailings = rig.database.dataSource.getRepository(Mailing);
    expect(await mailings.findOneByOrFail({ id: mailingId as string })).toMatchObject({ unsubscribe: false });
    await rig.database.dataSource.query('UPDATE dps_mailing SET scheduled_at = NULL');
    app = await rig.boot({ unsubscribe }, { templates });
    await rig.reached(mailingId as string, 'completed');
    await rig.reached(other as string, 'completed');
    const [toAnn, toBob] = ['ann', 'bob'].map(
      (name) => rig.inbox.messages.find(({ to }) => to[0].startsWith(name)) as ReceivedMessage,
    );
    expect(toAnn.raw.toString()).not.toMatch(/List-Unsubscribe/i);
    expect(await hrefOf(toAnn)).toBe('');
    expect(linkOf(toBob).searchParams.has('token')).toBe(true);
  });
});

describe('unsubscribe links of a mailing that goes to one address', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('are not made, also after a restart, because readers of that address would unsubscribe the recipients', async () => {
    const asked: UnsubscribeRecipient[] = [];
    const url = (who: UnsubscribeRecipient): string => `https://shop.example/${asked.push(who)}`;
    const unsubscribe = { url, mailto: 'no@shop.example' };
    const app = await rig.boot({ unsubscribe }, { templates });
    const info = { ...INFO, messageTo: 'look@shop.example' };
    await app.sender.sendEmailMessage(info, ['ann@home.example'], false);
    const { html, headers } = await app.nest.get(TemplateEmailPreview).preview(info, 'ann@home.example');
    expect(html).toContain('href=""');
    expect(Object.keys(headers ?? {})).toEqual(['X-Mailing-Id']);
    const isLater = { persist: true, sendAt: new Date(Date.now() + 3_600_000) };
    const { mailingId } = await app.sender.sendEmailMessage(info, ['bob@home.example'], isLater);
    await app.close();
    await rig.database.dataSource.query('UPDATE dps_mailing SET scheduled_at = NULL');
    await rig.boot({ unsubscribe }, { templates });
    await rig.reached(mailingId as string, 'completed');
    expect(rig.inbox.messages.map(({ to }) => to)).toEqual([['look@shop.example'], ['look@shop.example']]);
    for (const message of rig.inbox.messages) {
      expect(message.raw.toString()).not.toMatch(/List-Unsubscribe/i);
      expect(await hrefOf(message)).toBe('');
    }
    expect(asked).toEqual([]);
  });
});

describe('unsubscribe links of the host', () => {
  const rig = MailingRig.forEachTest('sqlite');

  /** Sends to one recipient. */
  const sent = async (
    unsubscribe: MailingModuleOptions['unsubscribe'],
    headers?: Record<string, string>,
  ): Promise<ReceivedMessage> => {
    const app = await rig.boot({ unsubscribe }, { templates });
    const { completed } = await app.sender.sendEmailMessage(
      { ...INFO, headers },
      ['ann@home.example'],
      false,
    );
    expect(await completed).toMatchObject({ numSent: 1 });
    return rig.inbox.messages[0];
  };

  it.each([
    ['https', { url: () => 'https://shop.example/no?a=1&b=2' }, '<https://shop.example/no?a=1&b=2>', true],
    ['http', { url: () => 'http://shop.example/no' }, '<http://shop.example/no>', false],
    ['mailto of the builder', { url: () => 'mailto:no@shop.example' }, '<mailto:no@shop.example>', false],
    ['mailto alone', { mailto: 'no@shop.example' }, '<mailto:no@shop.example>', false],
    [
      'https and mailto',
      { url: () => 'https://shop.example/no', mailto: 'no@shop.example' },
      '<https://shop.example/no>, <mailto:no@shop.example>',
      true,
    ],
    [
      'http and mailto',
      { url: () => 'http://shop.example/no', mailto: 'no@shop.example' },
      '<http://shop.example/no>, <mailto:no@shop.example>',
      false,
    ],
  ])('C14 are sent as %s', async (_, unsubscribe, header, isOneClick) => {
    const message = await sent(unsubscribe);
    expect(message.header('List-Unsubscribe')).toBe(header);
    expect(message.header('List-Unsubscribe-Post')).toBe(
      isOneClick ? 'List-Unsubscribe=One-Click' : undefined,
    );
    expect(await hrefOf(message)).toBe(/<([^>]+)>/.exec(header)?.[1]);
  });

  it('C14 and their headers are covered by a DKIM signature', async () => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 1_024,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const dkim = { domainName: 'shop.example', keySelector: 'test', privateKey };
    const app = await rig.boot({ unsubscribe: { baseUrl, secret } }, { templates, transport: { dkim } });
    await app.sender.sendEmailMessage(INFO, ['ann@home.example'], false);
    const [message] = rig.inbox.messages;
    const signed = /\bh=([^;]+);/.exec(message.header('DKIM-Signature') ?? '')?.[1].replace(/\s/g, '') ?? '';
    expect(signed.toLowerCase().split(':')).toEqual(
      expect.arrayContaining(['list-unsubscribe', 'list-unsubscribe-post']),
    );
  });

  it('of 900 characters are one unfolded line of the header', async () => {
    const url = `https://shop.example/${'x'.repeat(879)}`;
    const message = await sent({ url: () => url, mailto: 'no@shop.example' });
    const lines = message.raw.toString('latin1').split('\r\n');
    expect(lines.filter((line) => line.includes(`<${url}>`))).toHaveLength(1);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(998);
    expect(message.header('List-Unsubscribe')).toBe(`<${url}>, <mailto:no@shop.example>`);
  });

  it('are encoded where they could end the header’s brackets or the attribute', async () => {
    const message = await sent({ url: () => 'https://shop.example/ü a>,<mailto:evil@x.example>?"=\'<b' });
    const header = message.header('List-Unsubscribe') ?? '';
    expect(header).toBe('<https://shop.example/%C3%BC%20a%3E,%3Cmailto:evil@x.example%3E?%22=%27%3Cb>');
  });

  it('are not added to a mailing with such headers of its own', async () => {
    const own = { 'list-unsubscribe': '<https://other.example/no>' };
    const message = await sent({ baseUrl, secret }, own);
    expect(message.raw.toString().match(/^List-Unsubscribe/gim)).toHaveLength(1);
    expect(message.header('List-Unsubscribe')).toBe('<https://other.example/no>');
    expect(await hrefOf(message)).toContain('https://shop.example/unsubscribe?token=');
  });

  it('that the host’s builder throws for or does not return fail only those recipients', async () => {
    const answers: Record<string, unknown> = {
      line: 'https://shop.example/\r\nBcc: evil@x.example',
      tab: 'https://shop.example/\tx',
      script: 'javascript:alert(1)',
      data: 'data:text/html,x',
      relative: '/no',
      empty: '',
      nothing: undefined,
      promise: Promise.resolve('/no'),
      url: new URL('https://shop.example/'),
      long: `https://shop.example/${'x'.repeat(900)}`,
      longer: `https://shop.example/${'../'.repeat(1_000_000)}`,
      bracket: 'mailto:no@shop.example>',
    };
    const asked: UnsubscribeRecipient[] = [];
    const url = (who: UnsubscribeRecipient): string => {
      asked.push(who);
      const name = who.email.split('@')[0];
      if (name === 'throws') throw new Error('no such customer');
      return (name in answers ? answers[name] : 'https://shop.example/no') as string;
    };
    const app = await rig.boot({ unsubscribe: { url }, errorGuard: { sampleSize: 0 } }, { templates });
    const bad = ['throws', ...Object.keys(answers)].map((name) => `${name}@home.example`);
    const list = ['first@home.example', ...bad, 'last@home.example'];
    const { mailingId, completed } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    expect(await completed).toMatchObject({ numSent: 2, numErrors: bad.length });
    const { recipients } = await rig.progress(mailingId as string);
    expect(recipients.slice(1, -1).map(({ errorCode }) => errorCode)).toEqual(bad.map(() => 'unsubscribe'));
    expect([...rig.inbox.countsByRecipient().keys()].sort()).toEqual([
      'first@home.example',
      'last@home.example',
    ]);
    expect(asked[0]).toEqual({ mailingId, idx: 0, email: 'first@home.example' });
  });

  it('are built with a null id for a mailing that is not persisted', async () => {
    const asked: UnsubscribeRecipient[] = [];
    await sent({ url: (who) => `https://shop.example/${asked.push(who)}` });
    expect(asked).toEqual([{ mailingId: null, idx: 0, email: 'ann@home.example' }]);
  });

  it.each([['yes'], [1], [null]])('are refused in an info with unsubscribe %j', async (unsubscribe) => {
    const app = await rig.boot();
    const info = { ...INFO, unsubscribe: unsubscribe as unknown as boolean };
    await expect(app.sender.sendEmailMessage(info, [])).rejects.toThrow('info.unsubscribe');
  });
});
