import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Recipient, TemplateEmailRequest } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { Mailing, SlotService } from 'nestjs-mailing';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';

const FULL = `---
name: "Letter of {{month}}"
from: '"{{shop}}" <news@{{domain}}>'
replyTo: help@shop.example
subject: "{{name}} & {{month}}"
cc: "{{manager}}"
bcc: archive@shop.example
---
<p>Dear {{name}}</p>`;
const PARAMS = { month: 'May', shop: 'Müller, Sons & Co', domain: 'shop.example' };

forEachDatabase('fillFromTemplate', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('takes sender, subject and copies from the template, for each recipient, also after a restart', async () => {
    const first = await rig.boot({}, { templates: { 'full.hbs': FULL } });
    const info: TemplateEmailRequest = { templateUrl: 'full.hbs', fillFromTemplate: true, params: PARAMS };
    const list: Recipient[] = [
      { email: 'ann@home.example', name: "Ann O'Neill", data: { manager: 'boss@home.example' } },
      { email: 'bob@home.example', name: 'Bob', data: { manager: 'x@home.example\nBcc: evil@x.example' } },
      { email: 'eve@home.example', name: 'Eve' },
    ];
    const { mailingId } = await first.sender.sendEmailMessage(info, list, {
      persist: true,
      sendAt: new Date('2099-01-01'),
    });
    await first.close();
    await rig.database.dataSource.query('UPDATE dps_mailing SET scheduled_at = NULL');
    await rig.boot({}, { templates: {} });
    await rig.reached(mailingId as string, 'completed');
    const { mailing, recipients } = await rig.progress(mailingId as string);
    expect(mailing).toMatchObject({ numSent: 2, numErrors: 1 });
    expect(recipients[1]).toMatchObject({ status: 'error', errorCode: 'template' });
    const row = await rig.database.dataSource
      .getRepository(Mailing)
      .findOneByOrFail({ id: mailingId as string });
    expect(row).toMatchObject({ name: 'Letter of May', fillFromTemplate: true });
    const byFirst = new Map(rig.inbox.messages.map((message) => [message.to[0], message]));
    expect(byFirst.get('ann@home.example')?.to).toEqual([
      'ann@home.example',
      'boss@home.example',
      'archive@shop.example',
    ]);
    expect(byFirst.get('eve@home.example')?.to).toEqual(['eve@home.example', 'archive@shop.example']);
    const ann = await byFirst.get('ann@home.example')?.parsed();
    expect(ann?.from?.value).toEqual([{ address: 'news@shop.example', name: 'Müller, Sons & Co' }]);
    expect(ann?.replyTo?.text).toBe('help@shop.example');
    expect(ann?.subject).toBe("Ann O'Neill & May");
    expect(String(ann?.html).trim()).toBe('<p>Dear Ann O&#x27;Neill</p>');
    expect(ann?.messageId).toBe(`<${mailingId}.0@shop.example>`);
  });
});

describe('fillFromTemplate', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const withFrontMatter = (yaml: string) => ({ 'letter.hbs': `---\n${yaml}\n---\nbody` });

  it('the template overrides the info, and the info is used where the template has no value', async () => {
    const { sender } = await rig.boot({}, { templates: withFrontMatter('subject: 2026') });
    await sender.sendEmailMessage(
      { ...INFO, fillFromTemplate: true, replyTo: 'r@shop.example' },
      ['ann@home.example'],
      false,
    );
    const { subject, from, replyTo } = await rig.inbox.messages[0].parsed();
    expect({ subject, from: from?.text, replyTo: replyTo?.text }).toEqual({
      subject: '2026',
      from: '"The Shop" <news@shop.example>',
      replyTo: 'r@shop.example',
    });
  });

  it('each language has its own', async () => {
    const templates = {
      'letter.hbs': '---\nsubject: Hello\n---\nbody',
      'letter.fr.hbs': '---\nsubject: Bonjour\n---\ncorps',
      'letter.de.hbs': 'Text',
    };
    const { sender } = await rig.boot({}, { templates });
    const list = ['fr', 'de', 'es'].map((locale) => ({ email: `${locale}@home.example`, data: { locale } }));
    const info: TemplateEmailRequest = { templateUrl: 'letter.hbs', from: INFO.from, fillFromTemplate: true };
    await sender.sendEmailMessage(info, list, false);
    const subjects = await Promise.all(
      rig.inbox.messages.map(async (message) => [message.to[0], (await message.parsed()).subject]),
    );
    expect(Object.fromEntries(subjects)).toEqual({
      'fr@home.example': 'Bonjour',
      'de@home.example': 'Hello',
      'es@home.example': 'Hello',
    });
  });

  it('a language whose template has no value uses the info, not another language', async () => {
    const templates = {
      'letter.hbs': '---\nsubject: Hello\nfrom: en@shop.example\n---\nbody',
      'letter.de.hbs': 'Text',
    };
    const { sender } = await rig.boot({}, { templates });
    const list = ['de', 'en'].map((locale) => ({ email: `${locale}@home.example`, data: { locale } }));
    await sender.sendEmailMessage({ ...INFO, subject: 'Of the info', fillFromTemplate: true }, list, false);
    const read = await Promise.all(
      rig.inbox.messages.map(async (message) => {
        const { subject, from } = await message.parsed();
        return [message.to[0], [subject, from?.value[0].address]];
      }),
    );
    expect(Object.fromEntries(read)).toEqual({
      'de@home.example': ['Of the info', 'news@shop.example'],
      'en@home.example': ['Hello', 'en@shop.example'],
    });
  });

  it.each([
    ['MAILING_TEMPLATE_FRONT_MATTER', 'to: ann@home.example', 'to'],
    ['MAILING_TEMPLATE_FRONT_MATTER', 'subject: {{name}}', 'subject'],
    ['MAILING_TEMPLATE_FRONT_MATTER', 'cc: [a@b.example]', 'cc'],
    ['MAILING_TEMPLATE_FRONT_MATTER', '- subject', 'it'],
    ['MAILING_TEMPLATE_FRONT_MATTER', 'subject: "never closed', 'it'],
    ['MAILING_TEMPLATE_FRONT_MATTER', 'subject: a\nsubject: b', 'it'],
    ['MAILING_TEMPLATE_FRONT_MATTER', 'from: nobody', 'from'],
    ['MAILING_TEMPLATE_FRONT_MATTER', 'from: "a@b.example, c@d.example"', 'from'],
    ['MAILING_TEMPLATE_FRONT_MATTER', 'replyTo: "a@b.example\\r\\nBcc: evil@x.example"', 'replyTo'],
    ['MAILING_TEMPLATE_FRONT_MATTER', `name: ${'x'.repeat(256)}`, 'name'],
    ['MAILING_TEMPLATE_NOT_COMPILING', 'subject: "{{shout name}}"', undefined],
  ])('refuses with %s: %j', async (code, yaml, key) => {
    const { sender } = await rig.boot({}, { templates: withFrontMatter(yaml) });
    const request = sender.sendEmailMessage({ ...INFO, fillFromTemplate: true }, ['ann@home.example']);
    await expect(request).rejects.toMatchObject(key ? { code, key } : { code });
    expect(rig.inbox.messages).toHaveLength(0);
  });

  const keys = (count: number): string => Array.from({ length: count }, (_, n) => `k${n}: x`).join('\n');

  it.each([
    ['60,000 keys', keys(60_000), 'it', 'at most 16384 characters'],
    ['60,000 keys in one line', `{${keys(60_000).replaceAll('\n', ', ')}}`, 'it', 'at most 16384 characters'],
    ['one key 60,000 times', 'subject: x\n'.repeat(60_000), 'it', 'at most 16384 characters'],
    ['16,385 characters', `subject: ${'x'.repeat(16_384 - 9)}`, 'it', 'got "16385 of them"'],
    ['1,800 keys', keys(1_800), 'k0', 'absent'],
    ['one key 1,400 times', 'subject: x\n'.repeat(1_400), 'it', 'without a key twice'],
    ['8,000 lists in each other', `subject: ${'['.repeat(8_000)}`, 'it', 'YAML'],
    ['a reference', 'subject: &a x\nfrom: *a', 'from', 'a text'],
    ['references that grow', 'subject: &a [x]\nfrom: &b [*a, *a]\ncc: [*b, *b]', 'subject', 'a text'],
  ])('refuses front matter of %s', async (_, yaml, key, words) => {
    const { sender } = await rig.boot({}, { templates: withFrontMatter(yaml) });
    const request = sender.sendEmailMessage({ ...INFO, fillFromTemplate: true }, ['ann@home.example']);
    await expect(request).rejects.toMatchObject({ code: 'MAILING_TEMPLATE_FRONT_MATTER', key });
    await expect(request).rejects.toThrow(words);
    expect(rig.inbox.messages).toHaveLength(0);
  });

  it('takes front matter of 16,384 characters', async () => {
    const filling = '# '.padEnd(16_384 - 'subject: Long\n\n'.length, 'x');
    const { sender } = await rig.boot({}, { templates: withFrontMatter(`subject: Long\n${filling}`) });
    await sender.sendEmailMessage({ ...INFO, fillFromTemplate: true }, ['ann@home.example'], false);
    expect((await rig.inbox.messages[0].parsed()).subject).toBe('Long');
  });

  it('text in the YAML that only looks like Handlebars is left alone, and what its values use is found', async () => {
    const yaml = [
      '# was: {{> gone}}, {{#slot "old"}}, {{ and so on',
      'subject: "{{> hello}}"',
      `cc: '{{#if boss}}boss@shop.example{{/if}}'`,
    ];
    const app = await rig.boot({}, { templates: withFrontMatter(yaml.join('\n')) });
    await mkdir(join(app.templateDir, 'partials'));
    await writeFile(join(app.templateDir, 'partials', 'hello.hbs'), 'Hello {{name}}');
    const info: TemplateEmailRequest = { templateUrl: 'letter.hbs', from: INFO.from, fillFromTemplate: true };
    await app.sender.sendEmailMessage(info, [{ email: 'ann@home.example', name: 'Ann' }], false);
    expect((await rig.inbox.messages[0].parsed()).subject).toBe('Hello Ann');
  });

  it('a slot in a value is rendered, and a slot without a name is reported with its line of the file', async () => {
    const yaml = `subject: '{{#slot "motto"}}{{this}}{{/slot}}'`;
    const app = await rig.boot({}, { templates: withFrontMatter(yaml) });
    app.nest.get(SlotService).define('motto', { persistent: true });
    const info: TemplateEmailRequest = { templateUrl: 'letter.hbs', from: INFO.from, fillFromTemplate: true };
    await app.sender.sendEmailMessage({ ...info, slots: { motto: 'Cake' } }, ['ann@home.example'], false);
    expect((await rig.inbox.messages[0].parsed()).subject).toBe('Cake');
    await writeFile(join(app.templateDir, 'letter.hbs'), `---\n${yaml}\n---\nbody\n{{#slot name}}{{/slot}}`);
    await expect(app.sender.sendEmailMessage(info, [])).rejects.toMatchObject({
      code: 'MAILING_SLOT_NAME_NOT_LITERAL',
      line: 5,
    });
  });

  it('a value that does not compile is refused with its name', async () => {
    const { sender } = await rig.boot({}, { templates: withFrontMatter("cc: '{{#if boss}}'") });
    const request = sender.sendEmailMessage({ ...INFO, fillFromTemplate: true }, []);
    await expect(request).rejects.toMatchObject({ code: 'MAILING_TEMPLATE_NOT_COMPILING' });
    await expect(request).rejects.toThrow('letter.hbs: cc');
  });

  it('refuses front matter without an end, and a mailing without a subject', async () => {
    const { sender } = await rig.boot(
      {},
      { templates: { 'letter.hbs': '---\nsubject: a', 'bare.hbs': 'x' } },
    );
    const endless = sender.sendEmailMessage({ ...INFO, fillFromTemplate: true }, []);
    await expect(endless).rejects.toMatchObject({ code: 'MAILING_TEMPLATE_FRONT_MATTER', key: 'its end' });
    const info: TemplateEmailRequest = { templateUrl: 'bare.hbs', from: INFO.from, fillFromTemplate: true };
    await expect(sender.sendEmailMessage(info, [])).rejects.toMatchObject({
      code: 'MAILING_FIELD_MISSING',
      field: 'subject',
    });
  });
});
