import { createHash } from 'node:crypto';
import {
  AttachmentSourceDownError,
  type HeaderRecipient,
  type RecipientAttachment,
  type RecipientAttachmentsOf,
  TemplateEmailPreview,
} from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { never } from '../../support/silence.js';
import { toMailingSettings } from '../../../libs/mailing/src/model/options/mailing-settings.factory.js';

const COUNT = 12;
const KEPT = { ...INFO, recipientAttachments: 'invoices' };

/** Bytes of every value, different for each recipient. */
const bytesOf = (idx: number): Buffer => {
  const seed = createHash('sha512').update(String(idx)).digest();
  return Buffer.concat(
    Array.from({ length: 40 }, (_, n) => createHash('sha512').update(seed).update(`${n}`).digest()),
  );
};
const invoices: RecipientAttachmentsOf = ({ idx, email }: HeaderRecipient) => [
  { filename: `Rechnung ${idx} für ${email}.bin`, content: bytesOf(idx) },
  { filename: 'note.txt', content: `.\r\nDear ${email}\n` },
];

forEachDatabase('files for single recipients', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it.each([{}, { bulkSmtp: true }, { batched: true }])(
    'reach their recipient and no other one, beside those of the mailing, also after a restart, with %j',
    async ({ batched = false, ...sender }: { batched?: boolean; bulkSmtp?: boolean }) => {
      const options = { ...sender, recipientAttachments: { invoices }, enabledAsTemplateMailServer: batched };
      const batch = { emailsPerBatch: 5 };
      const first = await rig.boot({ ...options, batch, run: { concurrency: 1 } });
      const attachments = [{ filename: 'terms.txt', content: 'Terms for all' }];
      const info = { ...KEPT, attachments, batched };
      const { mailingId } = await first.sender.sendEmailMessage(info, people(COUNT), { persist: true });
      await rig.inbox.waitFor(3);
      await first.close();
      rig.apps = [];
      await rig.boot({ ...options, batch });
      await rig.reached(mailingId as string, 'completed');
      await rig.assertAllSent(mailingId as string, COUNT);
      for (const message of rig.inbox.messages) {
        const [email] = message.to;
        const idx = people(COUNT).indexOf(email);
        const found = (await message.parsed()).attachments;
        expect(found.map(({ filename }) => filename)).toEqual([
          'terms.txt',
          `Rechnung ${idx} für ${email}.bin`,
          'note.txt',
        ]);
        expect(found[0].content.toString()).toBe('Terms for all');
        expect(found[1].content.equals(bytesOf(idx))).toBe(true);
        expect(found[2].content.toString().replaceAll('\r\n', '\n')).toBe(`.\nDear ${email}\n`);
      }
    },
  );

  it('cost only their recipient where the function fails, or answers what can not be attached', async () => {
    const file = { filename: 'a.txt', content: 'a' };
    const faults: unknown[] = [
      'file',
      {},
      [null],
      [{ filename: 'a.txt' }],
      [{ ...file, filename: ' ' }],
      [{ ...file, filename: 'a\r\nBcc: eve@home.example' }],
      [{ ...file, contentType: 'a'.repeat(256) }],
      [{ ...file, cid: 7 }],
      [file, file, file],
      [{ ...file, content: 'a'.repeat(101) }],
    ];
    const app = await rig.boot({
      errorGuard: { sampleSize: 0 },
      attachments: { maxPerRecipient: 2, maxRecipientBytes: 100 },
      recipientAttachments: {
        invoices: async ({ idx }) => {
          if (idx === 10) throw new Error('no such invoice');
          return idx < faults.length ? (faults[idx] as RecipientAttachment[]) : [file, file];
        },
      },
    });
    const { mailingId, completed } = await app.sender.sendEmailMessage(KEPT, people(13), { persist: true });
    await completed;
    const failed = await app.query.recipients(mailingId as string, { status: 'error' });
    expect(failed.map(({ idx, errorCode }) => [idx, errorCode])).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((idx) => [idx, 'attachments']),
    );
    expect(failed[0].errorText).toMatch(/expected an array of attachments, or null/);
    expect(failed[9].errorText).toMatch(/recipientAttachments\.invoices: .*at most 100 bytes/);
    expect(failed[10].errorText).toBe('no such invoice');
    expect(new Set(rig.inbox.messages.map(({ to }) => to[0]))).toEqual(new Set(people(13).slice(11)));
  });

  it('are asked for again later where their source is down or silent, and no recipient is lost', async () => {
    let isDown = true;
    let asked = 0;
    const app = await rig.boot({
      errorGuard: { sampleSize: 0 },
      retry: { initialDelayMs: 1_000, maxDelayMs: 1_000, maxAttempts: 50 },
      run: { hostCallTimeoutMs: 1_000 },
      recipientAttachments: {
        invoices: ({ idx }) => {
          asked++;
          if (!isDown) return null;
          if (idx === 0) return never<RecipientAttachment[]>();
          throw new AttachmentSourceDownError('the invoice service answers 503');
        },
      },
    });
    const { mailingId } = await app.sender.sendEmailMessage(KEPT, people(5), { persist: true });
    await expect
      .poll(async () => (await rig.progress(mailingId as string)).byStatus, { timeout: 20_000 })
      .toEqual({ deferred: 5 });
    expect(asked).toBeGreaterThanOrEqual(5);
    expect(rig.inbox.messages).toEqual([]);
    isDown = false;
    await rig.reached(mailingId as string, 'completed');
    await rig.assertAllSent(mailingId as string, 5);
  });

  it('pause a mailing whose function is gone after a restart, until it is there again', async () => {
    const first = await rig.boot({ recipientAttachments: { invoices }, run: { concurrency: 1 } });
    const { mailingId } = await first.sender.sendEmailMessage(KEPT, people(COUNT), { persist: true });
    await rig.inbox.waitFor(2);
    await first.close();
    rig.apps = [];
    const without = await rig.boot({ recipientAttachments: { receipts: invoices } });
    const { statusReason } = await rig.reached(mailingId as string, 'paused');
    expect(statusReason).toMatch(/^attachments: The mailing needs the function .invoices. of the option/);
    await without.close();
    rig.apps = [];
    const again = await rig.boot({ recipientAttachments: { invoices } });
    await again.sender.resume(mailingId as string);
    await rig.reached(mailingId as string, 'completed');
    await rig.assertAllSent(mailingId as string, COUNT);
  });
});

describe('files for single recipients', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('pause the mailing if the source stays down, and no recipient is consumed', async () => {
    const app = await rig.boot({
      recipientAttachments: {
        invoices: () => {
          throw new AttachmentSourceDownError('the invoice service answers 503');
        },
      },
    });
    const { mailingId } = await app.sender.sendEmailMessage(KEPT, people(200), { persist: true });
    const { statusReason } = await rig.reached(mailingId as string, 'paused');
    expect(statusReason).toMatch(/^error rate: 50 of the last 50 attempts failed with attachments: /);
    const { byStatus } = await rig.progress(mailingId as string);
    expect(byStatus.error).toBeUndefined();
    expect(rig.inbox.messages).toEqual([]);
  });

  it.each([['invoice'], ['toString'], [''], [7]])(
    'are refused in an info if the function is %j',
    async (name) => {
      const app = await rig.boot({ recipientAttachments: { invoices } });
      const info = { ...INFO, recipientAttachments: name as string };
      await expect(app.sender.sendEmailMessage(info, people(1))).rejects.toMatchObject({
        code: 'MAILING_FIELD_INVALID',
        field: 'recipientAttachments',
      });
      expect(await app.query.list()).toEqual([]);
    },
  );

  it('are in a proof, with the headers of its recipient', async () => {
    const messageHeaders = ({ email }: HeaderRecipient): Record<string, string> => ({ 'X-Reader': email });
    const app = await rig.boot({ recipientAttachments: { invoices }, messageHeaders });
    await app.nest.get(TemplateEmailPreview).sendProof(KEPT, 'ann@home.example', 'editor@shop.example');
    const [message] = rig.inbox.messages;
    expect(message.to).toEqual(['editor@shop.example']);
    const { attachments, headers } = await message.parsed();
    expect(headers.get('x-reader')).toBe('ann@home.example');
    expect(attachments.map(({ filename }) => filename)).toEqual([
      'Rechnung 0 für ann@home.example.bin',
      'note.txt',
    ]);
  });

  it('are sent without persist, and shown by a preview', async () => {
    const app = await rig.boot({ recipientAttachments: { invoices } });
    const shown = await app.nest.get(TemplateEmailPreview).preview(KEPT, 'ann@home.example');
    expect(shown.attachments?.map(({ filename }) => filename)).toEqual([
      'Rechnung 0 für ann@home.example.bin',
      'note.txt',
    ]);
    await (
      await app.sender.sendEmailMessage(KEPT, ['ann@home.example'], { persist: false })
    ).completed;
    const [{ attachments }] = await Promise.all(rig.inbox.messages.map((one) => one.parsed()));
    expect(attachments).toHaveLength(2);
  });

  it.each<[string, object]>([
    ['recipientAttachments', { recipientAttachments: [] }],
    ['recipientAttachments.invoices', { recipientAttachments: { invoices: 'file' } }],
    ['recipientAttachments', { recipientAttachments: { ' ': invoices } }],
    ['attachments.maxPerRecipient', { attachments: { maxPerRecipient: 0 } }],
    [
      'attachments.maxRecipientBytes',
      {
        recipientAttachments: { invoices },
        run: { concurrency: 100 },
        attachments: { maxRecipientBytes: 10_737_419 },
      },
    ],
    [
      'attachments.maxRecipientBytes',
      {
        recipientAttachments: { invoices },
        enabledAsTemplateMailServer: true,
        batch: { numBatchThreads: 10 },
        run: { concurrency: 100 },
        attachments: { maxRecipientBytes: 1_073_742 },
      },
    ],
  ])('need other options: %s', (option, options) => {
    const settings = (): unknown => toMailingSettings({ templates: { dir: process.cwd() }, ...options });
    expect(settings).toThrow(expect.objectContaining({ code: 'MAILING_OPTIONS', option }));
  });
});
