import {
  type EmailMessage,
  type EmailMessageSender,
  type EnvelopeRecipient,
  type HandOver,
  TemplateEmailPreview,
} from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';

const COUNT = 20;
const BOUNCES = { ...INFO, envelopeFrom: 'bounces@bücher.example' };
const verp = ({ mailingId, idx }: EnvelopeRecipient): string =>
  `bounce+${mailingId}.${idx}@bounces.shop.example`;

forEachDatabase('the address that bounces go to', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it.each([{}, { bulkSmtp: true }])(
    'is that of the mailing, also after a restart, with %j',
    async (sender) => {
      const first = await rig.boot({ ...sender, run: { concurrency: 1 } });
      const { mailingId } = await first.sender.sendEmailMessage(BOUNCES, people(COUNT), { persist: true });
      await rig.inbox.waitFor(3);
      await first.close();
      rig.apps = [];
      await rig.boot(sender);
      await rig.reached(mailingId as string, 'completed');
      await rig.assertAllSent(mailingId as string, COUNT);
      expect(new Set(rig.inbox.messages.map(({ from }) => from))).toEqual(
        new Set(['bounces@xn--bcher-kva.example']),
      );
      const { from } = await rig.inbox.messages[0].parsed();
      expect(from?.value).toMatchObject([{ address: 'news@shop.example' }]);
    },
  );

  it.each([{}, { bulkSmtp: true }])('is another one for each recipient, with %j', async (sender) => {
    const app = await rig.boot({ ...sender, envelopeFrom: verp });
    const mailingId = await rig.send(app, COUNT);
    await rig.reached(mailingId, 'completed');
    const found = new Map(rig.inbox.messages.map(({ from, to }) => [to[0], from]));
    const expected = people(COUNT).map((to, idx) => [to, `bounce+${mailingId}.${idx}@bounces.shop.example`]);
    expect(found).toEqual(new Map(expected as [string, string][]));
    expect(rig.inbox.messages).toHaveLength(COUNT);
  });

  it('costs only its recipient where the function fails, or answers no address', async () => {
    const faults: unknown[] = [
      undefined,
      '',
      '<>',
      'Ann <ann@home.example>',
      'a@home.example, b@home.example',
      'a@home.example\r\nRCPT',
      7,
      Promise.resolve('late@shop.example'),
    ];
    const app = await rig.boot({
      errorGuard: { sampleSize: 0 },
      envelopeFrom: ({ idx, ...who }) => {
        if (idx === 10) throw new Error('no bounces today');
        return idx < faults.length ? (faults[idx] as string) : verp({ idx, ...who });
      },
    });
    const mailingId = await rig.send(app, COUNT);
    await rig.reached(mailingId, 'completed');
    const failed = await app.query.recipients(mailingId, { status: 'error' });
    expect(failed.map(({ idx, errorCode }) => [idx, errorCode])).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 10].map((idx) => [idx, 'envelope']),
    );
    expect(failed.at(-1)).toMatchObject({ errorText: 'no bounces today' });
    expect(rig.inbox.messages).toHaveLength(COUNT - failed.length);
  });
});

describe('the address that bounces go to', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('is that of a mailing rather than that of the function, and of From where that answers null', async () => {
    const app = await rig.boot({ envelopeFrom: () => null });
    for (const info of [BOUNCES, INFO]) {
      const { completed } = await app.sender.sendEmailMessage(info, people(1));
      await completed;
    }
    expect(rig.inbox.messages.map(({ from }) => from)).toEqual([
      'bounces@xn--bcher-kva.example',
      'news@shop.example',
    ]);
  });

  it.each([{}, { bulkSmtp: true }])(
    'leaves the recipients of a message as they are, with %j',
    async (sender) => {
      const app = await rig.boot({ ...sender, envelopeFrom: verp });
      const info = { ...INFO, cc: 'archive@shop.example', bcc: 'Books <books@shop.example>' };
      const { completed } = await app.sender.sendEmailMessage(
        info,
        [{ email: 'ann@home.example', name: 'Ann' }],
        {
          persist: true,
        },
      );
      expect(await completed).toMatchObject({ numSent: 1 });
      expect(rig.inbox.messages.map(({ to }) => to)).toEqual([
        ['ann@home.example', 'archive@shop.example', 'books@shop.example'],
      ]);
      expect(rig.inbox.messages[0].raw.toString()).not.toContain('books@shop.example');
    },
  );

  it('is shown by a preview, and handed to a message sender of the host', async () => {
    const got: (string | undefined)[] = [];
    class ShopSender implements EmailMessageSender {
      async send({ envelopeFrom }: EmailMessage): Promise<HandOver> {
        got.push(envelopeFrom);
        return { kind: 'accepted' };
      }
      probe = async (): Promise<null> => null;
    }
    const app = await rig.boot({
      messageSender: ShopSender,
      envelopeFrom: ({ email }) => `bounce+${email.replace('@', '=')}@shop.example`,
    });
    const shown = await app.nest.get(TemplateEmailPreview).preview(INFO, 'ann@home.example');
    expect(shown.envelopeFrom).toBe('bounce+ann=home.example@shop.example');
    const { completed } = await app.sender.sendEmailMessage(INFO, ['ann@home.example']);
    await completed;
    expect(got).toEqual(['bounce+ann=home.example@shop.example']);
  });

  it.each(['', '<>', 'Ann <ann@home.example>', 'a@home.example, b@home.example', 'nowhere', 7, null])(
    'is refused in an info if it is %j',
    async (envelopeFrom) => {
      const app = await rig.boot();
      const info = { ...INFO, envelopeFrom: envelopeFrom as string };
      await expect(app.sender.sendEmailMessage(info, people(1))).rejects.toMatchObject({
        code: 'MAILING_FIELD_INVALID',
        field: 'envelopeFrom',
      });
    },
  );
});
