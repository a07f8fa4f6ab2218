import {
  type EmailMessage,
  type EmailMessageSender,
  type HandOver,
  type HeaderRecipient,
  type MessageHeadersOf,
  TemplateEmailPreview,
  TemplateNotCompilingError,
} from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';

type Headers = ReadonlyMap<string, unknown>;

const COUNT = 12;

/** Values that differ from recipient to recipient, one with what html would escape. */
const PER_RECIPIENT = {
  ...INFO,
  name: 'Summer letter',
  headers: {
    'X-Customer': '{{email}} of {{name}}',
    'X-Odd': '{{#if odd}}odd{{/if}}',
    'List-ID': 'News of the shop <news.shop.example>',
  },
};
const readers = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `reader${n}@home.example`);
const listed = readers(COUNT).map((email, idx) => ({
  email,
  name: `Ann & ${idx}`,
  data: { odd: idx % 2 === 1 },
}));

const feedback = ({ mailingId, mailingName, idx, email }: HeaderRecipient): Record<string, string> => ({
  'Feedback-ID': `${idx}:${mailingName?.length}:${mailingId?.length ?? 0}:shop`,
  'X-Reader': email,
});

forEachDatabase('further headers', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  /** Headers by recipient, as the mail server got them. */
  const received = async (): Promise<Map<string, Headers>> => {
    const found = new Map<string, Headers>();
    for (const message of rig.inbox.messages) {
      const { headers } = await message.parsed();
      found.set(message.to[0], headers);
    }
    return found;
  };

  it.each([{}, { bulkSmtp: true }, { batched: true }])(
    'are rendered for each recipient, also after a restart, with %j',
    async ({ batched = false, ...sender }: { batched?: boolean; bulkSmtp?: boolean }) => {
      const options = { ...sender, messageHeaders: feedback, enabledAsTemplateMailServer: batched };
      const more = { batch: { emailsPerBatch: 5 } };
      const first = await rig.boot({ ...options, ...more, run: { concurrency: 1 } });
      const info = { ...PER_RECIPIENT, batched };
      const { mailingId } = await first.sender.sendEmailMessage(info, listed, { persist: true });
      await rig.inbox.waitFor(3);
      await first.close();
      rig.apps = [];
      await rig.boot({ ...options, ...more });
      await rig.reached(mailingId as string, 'completed');
      await rig.assertAllSent(mailingId as string, COUNT);
      const got = await received();
      listed.forEach(({ email, name, data }, idx) => {
        const headers = got.get(email);
        expect(headers?.get('x-customer')).toBe(`${email} of ${name}`);
        expect(headers?.get('x-odd')).toBe(data.odd ? 'odd' : undefined);
        expect(headers?.get('list')).toEqual({ id: { id: 'news.shop.example', name: 'News of the shop' } });
        expect(headers?.get('feedback-id')).toBe(`${idx}:13:${mailingId?.length}:shop`);
        expect(headers?.get('x-reader')).toBe(email);
      });
    },
  );

  it('cost only their recipient where a template or the function fails', async () => {
    const faults: unknown[] = [
      7,
      [],
      Promise.resolve({}),
      { 'X-Shop': 7 },
      { 'Message-ID': '<a@shop.example>' },
      { 'X:Shop': 'a' },
      { ['X'.repeat(77)]: 'a' },
      { 'X-Shop': 'a'.repeat(10_001) },
      { 'List-ID': 'a'.repeat(901) },
      Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`X-${n}`, 'a'])),
    ];
    const app = await rig.boot({
      errorGuard: { sampleSize: 0 },
      messageHeaders: ((who: HeaderRecipient) => {
        if (who.idx === 10) throw new Error('no headers today');
        return who.idx < faults.length ? faults[who.idx] : feedback(who);
      }) as MessageHeadersOf,
    });
    const headers = { 'X-Long': '{{long}}' };
    const list = readers(14).map((email, idx) => ({
      email,
      data: { long: 'a'.repeat(idx === 13 ? 10_001 : 5) },
    }));
    const { mailingId, completed } = await app.sender.sendEmailMessage({ ...INFO, headers }, list, {
      persist: true,
    });
    await completed;
    const failed = await app.query.recipients(mailingId as string, { status: 'error' });
    expect(failed.map(({ idx, errorCode }) => [idx, errorCode])).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13].map((idx) => [idx, 'headers']),
    );
    expect(failed.find(({ idx }) => idx === 10)).toMatchObject({ errorText: 'no headers today' });
    expect(failed.find(({ idx }) => idx === 3)?.errorText).toMatch(
      /X-Shop of a message to be a text, got a number/,
    );
    expect(rig.inbox.messages.map(({ to }) => to[0]).sort()).toEqual([list[11].email, list[12].email]);
  });
});

describe('further headers', () => {
  const rig = MailingRig.forEachTest('sqlite');

  const headersOf = async (options: object, info: object): Promise<string> => {
    const app = await rig.boot(options);
    const { completed } = await app.sender.sendEmailMessage({ ...INFO, ...info }, ['ann@home.example']);
    expect(await completed).toMatchObject({ numSent: 1 });
    return rig.inbox.messages[0].raw.toString().split('\r\n\r\n')[0];
  };

  it('can not add a header by a line break in a value', async () => {
    const head = await headersOf(
      { messageHeaders: () => ({ 'X-Shop': 'one\r\nBcc: eve@home.example' }) },
      { headers: { 'X-Club': '{{club}}' }, params: { club: 'two\r\nBcc: eve@home.example' } },
    );
    expect(head).toContain('X-Shop: one Bcc: eve@home.example');
    expect(head).toContain('X-Club: two Bcc: eve@home.example');
    expect(head).not.toMatch(/^Bcc:/m);
    expect(rig.inbox.messages[0].to).toEqual(['ann@home.example']);
  });

  it('of a mailing win over those of the function, in whatever letter case', async () => {
    const head = await headersOf(
      { messageHeaders: () => ({ 'list-id': 'shop', 'X-Shop': '', 'X-Club': 'yes' }) },
      { headers: { 'List-ID': 'mailing' } },
    );
    expect(head).toMatch(/^List-ID: mailing$/m);
    expect(head).toMatch(/^X-Club: yes$/m);
    expect(head).not.toMatch(/^list-id: shop|^X-Shop/m);
  });

  it('of the function do not replace those by which recipients unsubscribe', async () => {
    const unsubscribe = { url: () => 'https://shop.example/bye' };
    const head = await headersOf(
      { unsubscribe, messageHeaders: () => ({ 'list-unsubscribe': '<https://eve.example>' }) },
      {},
    );
    expect(head.match(/^list-unsubscribe:.*$/gim)).toEqual(['List-Unsubscribe: <https://shop.example/bye>']);
  });

  it('are none where the function answers null', async () => {
    expect(await headersOf({ messageHeaders: () => null }, {})).not.toMatch(/^X-(?!Mailing-Id)/m);
  });

  it('that do not compile refuse the mailing, and nothing is written', async () => {
    const app = await rig.boot();
    const info = { ...INFO, headers: { 'X-Shop': '{{#if}}' } };
    const refusal = app.sender.sendEmailMessage(info, people(1));
    await expect(refusal).rejects.toThrow(TemplateNotCompilingError);
    await expect(refusal).rejects.toThrow('headers[\\"X-Shop\\"]');
    expect(await app.query.list()).toEqual([]);
  });

  it('are shown by a preview, and handed to a message sender of the host', async () => {
    const got: Record<string, string>[] = [];
    class ShopSender implements EmailMessageSender {
      async send({ headers }: EmailMessage): Promise<HandOver> {
        got.push(headers);
        return { kind: 'accepted' };
      }
      probe = async (): Promise<null> => null;
    }
    const app = await rig.boot({ messageSender: ShopSender, messageHeaders: feedback });
    const headers = { 'X-Customer': '{{email}}', 'X-None': '{{nothing}}', 'X-Lines': '{{lines}}' };
    const info = { ...INFO, headers, params: { lines: 'one\r\ntwo' } };
    const reader = 'ann@home.example';
    const expected = { 'X-Customer': reader, 'X-Reader': reader, 'X-Lines': 'one two' };
    const shown = await app.nest.get(TemplateEmailPreview).preview(info, 'ann@home.example');
    expect(shown.headers).toMatchObject(expected);
    await (
      await app.sender.sendEmailMessage(info, ['ann@home.example'])
    ).completed;
    expect(got).toEqual([expect.objectContaining(expected)]);
    expect(got[0]).not.toHaveProperty('X-None');
  });
});
