import { rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MailerOptions } from '@nestjs-modules/mailer';
import { NunjucksAdapter } from '@nestjs-modules/mailer/adapters/nunjucks.adapter';
import { MailerAdapterRenderer, type TemplateEmailRequest } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { BRIDGED_ENGINES, type BridgedEngine } from '../../support/hosts/bridged-engines.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';

/** `adapter` is left out where the plugin renders by itself. */
type Engine = Pick<BridgedEngine, 'name' | 'extension' | 'letter' | 'broken'> & Partial<BridgedEngine>;

const OWN: Engine = {
  name: 'Handlebars of the plugin',
  extension: '.hbs',
  letter: (greeting) => `<p>${greeting} {{name}}</p>`,
  // It parses, so that only the trial rendering finds it.
  broken: '{{nowhere 1}}',
};

const inLanguage = (name: string, locale?: string) => ({
  email: `${name}@home.example`,
  name,
  data: { locale },
});

describe('the languages of a template', () => {
  const rig = MailingRig.forEachTest('sqlite');

  async function boot(
    files: Record<string, string>,
    adapter: BridgedEngine['adapter'] | undefined,
  ): Promise<MailingApp> {
    const mailer = adapter && {
      template: { adapter: adapter(), options: { cache: true } } as MailerOptions['template'],
    };
    const app = await rig.boot(adapter ? { renderer: MailerAdapterRenderer } : {}, {
      templates: files,
      mailer,
    });
    return app;
  }

  async function texts(): Promise<Record<string, string>> {
    const all: Record<string, string> = {};
    for (const message of rig.inbox.messages)
      all[message.to[0].split('@')[0]] = ((await message.parsed()).text ?? '').trim();
    return all;
  }

  /** Neither stored nor sent. */
  async function assertNothingWritten(): Promise<void> {
    for (const table of ['dps_mailing', 'dps_email_address', 'dps_mail_template'])
      expect(await rig.database.dataSource.query(`SELECT * FROM ${table}`)).toEqual([]);
    expect(rig.inbox.messages).toEqual([]);
  }

  describe.each([OWN, ...BRIDGED_ENGINES])('in $name', ({ extension, adapter, letter, broken }) => {
    const request = { ...INFO, templateUrl: `letter${extension}` };
    const good = {
      [`letter${extension}`]: letter('Dear', []),
      [`letter.fr${extension}`]: letter('Chère', []),
    };

    it('are all found, and each recipient gets the best match', async () => {
      const files = { ...good, [`letter.pt_BR${extension}`]: letter('Oi', []) };
      const { sender } = await boot(files, adapter);
      const list = [
        inLanguage('ann'),
        inLanguage('aline', 'fr-CA'),
        inLanguage('bia', 'pt-br'),
        inLanguage('per', 'sv'),
      ];
      await sender.sendEmailMessage(request, list, false);
      expect(await texts()).toEqual({
        ann: 'Dear ann',
        aline: 'Chère aline',
        bia: 'Oi bia',
        per: 'Dear per',
      });
    });

    it('are all tried before anything is written, and the error names the file', async () => {
      const file = `letter.pt-BR${extension}`;
      const { sender } = await boot({ ...good, [file]: broken }, adapter);
      const refusal = sender.sendEmailMessage(request, [inLanguage('ann')], { persist: true });
      await expect(refusal).rejects.toMatchObject({
        code: 'MAILING_TEMPLATE_NOT_COMPILING',
        templateUrl: file,
        message: expect.stringContaining(file),
      });
      await assertNothingWritten();
    });

    it('are all read before anything is written, also a link that leads nowhere', async () => {
      const file = `letter.pt-BR${extension}`;
      const { sender, templateDir } = await boot(good, adapter);
      await symlink(join(templateDir, 'gone'), join(templateDir, file));
      const refusal = sender.sendEmailMessage(request, [inLanguage('ann')], { persist: true });
      await expect(refusal).rejects.toMatchObject({ code: 'MAILING_TEMPLATE_MISSING', templateUrl: file });
      await assertNothingWritten();
    });

    it('are one file each', async () => {
      const [first, second] = [`letter.fr-CA${extension}`, `letter.fr_CA${extension}`];
      const text = letter('Salut', []);
      const { sender } = await boot({ ...good, [first]: text, [second]: text }, adapter);
      const refusal = sender.sendEmailMessage(request, [inLanguage('ann')], { persist: true });
      await expect(refusal).rejects.toMatchObject({
        code: 'MAILING_FIELD_INVALID',
        message: expect.stringContaining(`${first} and ${second} are both "fr-ca"`),
      });
      await assertNothingWritten();
    });
  });

  it.each<[string, Partial<TemplateEmailRequest>, string, BridgedEngine['adapter'] | undefined]>([
    ['text template', { altTemplateUrl: 'text.txt.hbs' }, 'text.txt.fr.hbs', undefined],
    [
      'text template by an adapter',
      { altTemplateUrl: 'text.njk' },
      'text.fr.njk',
      () => new NunjucksAdapter(),
    ],
    [
      'Handlebars text beside an adapter',
      { altTemplateUrl: 'text.hbs' },
      'text.fr.hbs',
      () => new NunjucksAdapter(),
    ],
    ['front matter', { fillFromTemplate: true }, 'letter.fr.hbs', undefined],
  ])('are tried in the %s, too', async (_, more, file, adapter) => {
    const files = {
      'letter.hbs': 'Dear {{name}}',
      'letter.njk': 'Dear {{ name }}',
      'text.txt.hbs': 'Dear',
      'text.njk': 'Dear',
      'text.hbs': 'Dear',
      'letter.fr.hbs': "---\nsubject: '{{nowhere 1}}'\n---\nChère",
    };
    if (!more.fillFromTemplate) files['letter.fr.hbs'] = 'Chère';
    const { sender, templateDir } = await boot(files, adapter);
    if (!more.fillFromTemplate)
      await writeFile(
        join(templateDir, file),
        adapter && file.endsWith('njk') ? '{% if %}' : '{{nowhere 1}}',
      );
    const templateUrl = adapter ? 'letter.njk' : 'letter.hbs';
    const request = { ...INFO, templateUrl, ...more } as TemplateEmailRequest;
    await expect(
      sender.sendEmailMessage(request, [inLanguage('ann')], { persist: true }),
    ).rejects.toMatchObject({
      message: expect.stringContaining(file),
    });
    await assertNothingWritten();
    await rm(join(templateDir, file));
    await sender.sendEmailMessage(request, [inLanguage('ann')], false);
    expect(Object.keys(await texts())).toEqual(['ann']);
  });

  it('are distinguished from templates of another extension with the same name', async () => {
    const { sender } = await boot(
      { 'letter.njk': '<p>Dear</p>', 'letter.html': '<p>Hello</p>' },
      () => new NunjucksAdapter(),
    );
    const both = { ...INFO, templateUrl: 'letter.njk', altTemplateUrl: 'letter.html' };
    await sender.sendEmailMessage(both, ['ann@home.example'], false);
    await sender.sendEmailMessage({ ...INFO, templateUrl: 'letter.html' }, ['bia@home.example'], false);
    const htmls = await Promise.all(rig.inbox.messages.map(async (one) => String((await one.parsed()).html)));
    expect(htmls.map((html) => /Dear|Hello/.exec(html)?.[0])).toEqual(['Dear', 'Hello']);
    expect(await texts()).toEqual({ ann: 'Hello', bia: 'Hello' });
  });
});
