import { Injectable } from '@nestjs/common';
import {
  Mailing,
  type ProfileRepository,
  type Recipient,
  type RecipientProfile,
  type DryRunReport,
  TemplateEmailPreview,
} from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';

@Injectable()
class Readers implements ProfileRepository {
  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    return new Map(
      ids.map((id) => [id, { email: `${id}@home.example`, name: id, receiveEmail: id !== 'no' }]),
    );
  }
}

describe('a preview', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const templates = { 'letter.hbs': '{{#if broken}}{{noSuchHelper broken}}{{/if}}<p>Dear {{name}}</p>' };

  async function previews(): Promise<TemplateEmailPreview> {
    const { nest } = await rig.boot({ profileRepository: Readers }, { templates });
    return nest.get(TemplateEmailPreview);
  }

  async function assertNothingHappened(): Promise<void> {
    expect(rig.inbox.messages).toHaveLength(0);
    expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(0);
  }

  it('shows the finished message of one recipient', async () => {
    const info = {
      ...INFO,
      subject: 'For {{name}}',
      headers: { 'X-Shop': '1' },
      attachments: [{ filename: 'a.txt', content: 'a' }],
    };
    const message = await (await previews()).preview(info, { userId: 'ann' });
    expect(message).toMatchObject({
      from: { address: 'news@shop.example', name: 'The Shop' },
      to: { address: 'ann@home.example', name: 'ann' },
      subject: 'For ann',
      html: '<p>Dear ann</p>',
      text: 'Dear ann',
      headers: { 'X-Shop': '1' },
      attachments: [{ filename: 'a.txt', content: Buffer.from('a') }],
    });
    await assertNothingHappened();
  });

  it('returns the reason when there is no message', async () => {
    const one = await previews();
    const skipped = { code: 'MAILING_RECIPIENT_SKIPPED' };
    await expect(one.preview(INFO, { userId: 'no' })).rejects.toMatchObject({
      ...skipped,
      reason: 'opted_out',
    });
    await expect(one.preview(INFO, 'a@b, c@d')).rejects.toMatchObject({
      ...skipped,
      reason: 'invalid_address',
    });
    const broken = { email: 'ann@home.example', data: { broken: true } };
    await expect(one.preview(INFO, broken)).rejects.toThrow(/noSuchHelper/);
    await expect(one.preview({ ...INFO, templateUrl: 'gone' }, 'a@b.example')).rejects.toMatchObject({
      code: 'MAILING_TEMPLATE_MISSING',
    });
  });

  it('counts the outcomes of a whole mailing, and sends and writes nothing', async () => {
    function* list(): Generator<Recipient> {
      for (let n = 0; n < 250; n++) yield `reader${n}@home.example`;
      yield 'not an address';
      yield { userId: 'no' };
      yield { userId: 'ann' };
      yield { email: 'odd@home.example', data: { broken: true } };
      yield 'Reader7@HOME.example';
    }
    const seen: DryRunReport[] = [];
    const report = await (await previews()).dryRun(INFO, list(), { onProgress: (now) => seen.push(now) });
    expect(report).toEqual({
      numRecipients: 255,
      numMessages: 251,
      skipped: { invalid_address: 1, opted_out: 1, duplicate: 1 },
      failed: { [Object.keys(report.failed)[0]]: 1 },
    });
    expect(Object.keys(report.failed)[0]).toMatch(/noSuchHelper/);
    expect(seen.map(({ numRecipients }) => numRecipients)).toEqual([100, 200, 255]);
    await assertNothingHappened();
  });
});

describe.each([false, true])('a proof (bulkSmtp: %s)', (bulkSmtp) => {
  const rig = MailingRig.forEachTest('sqlite');
  const templates = { 'letter.hbs': '<p>Dear {{name}} {{unsubscribeUrl}}</p>' };
  const unsubscribe = { url: ({ email }: { email: string }) => `https://shop.example/bye?who=${email}` };
  const previews = async (): Promise<TemplateEmailPreview> => {
    const { nest } = await rig.boot({ bulkSmtp, unsubscribe, profileRepository: Readers }, { templates });
    return nest.get(TemplateEmailPreview);
  };

  it('is what the recipient would get, marked, and for one reader alone', async () => {
    const info = { ...INFO, subject: 'For {{name}}', cc: 'copies@shop.example', bcc: 'more@shop.example' };
    await (await previews()).sendProof(info, { userId: 'ann' }, 'The Editor <editor@shop.example>');
    expect(rig.inbox.messages.map(({ to }) => to)).toEqual([['editor@shop.example']]);
    const { subject, text, headers } = await rig.inbox.messages[0].parsed();
    expect(subject).toBe('[Proof] For ann');
    expect(text).toContain('Dear ann https://shop.example/bye?who=editor@shop.example');
    expect(headers.get('x-mailing-proof')).toBe('yes');
    expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(0);
  });

  it('goes to its reader where the mailing goes to one address', async () => {
    const info = { ...INFO, messageTo: 'all@shop.example' };
    await (await previews()).sendProof(info, 'ann@home.example', 'editor@shop.example');
    expect(rig.inbox.messages.map(({ to }) => to)).toEqual([['editor@shop.example']]);
  });

  it('is not sent for a recipient that would be skipped, or to what is no address', async () => {
    const one = await previews();
    await expect(one.sendProof(INFO, { userId: 'no' }, 'editor@shop.example')).rejects.toMatchObject({
      code: 'MAILING_RECIPIENT_SKIPPED',
    });
    await expect(one.sendProof(INFO, 'ann@home.example', 'a@x.example, b@x.example')).rejects.toThrow(
      'sendProof: to: expected one e-mail address',
    );
    expect(rig.inbox.messages).toHaveLength(0);
  });

  it('that the mail server refuses is told', async () => {
    rig.inbox.answer = ({ command }) =>
      command === 'RCPT' ? { code: 550, text: '5.1.1 no such user' } : undefined;
    await expect(
      (await previews()).sendProof(INFO, 'ann@home.example', 'editor@shop.example'),
    ).rejects.toMatchObject({ code: 'MAILING_PROOF_NOT_SENT', outcome: 'refused' });
  });
});
