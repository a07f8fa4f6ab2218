import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { MailingModuleOptions, Recipient, TemplateEmailInfo } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';

describe('templates in received messages', () => {
  const rig = MailingRig.forEachTest('sqlite');

  async function boot(
    files: Record<string, string>,
    templates: Partial<MailingModuleOptions['templates']> = {},
    mailing: Partial<MailingModuleOptions> = {},
  ): Promise<MailingApp> {
    const { templateDir } = await rig.boot({ uniqServerId: `folder:${rig.apps.length}` });
    for (const [name, source] of Object.entries(files)) {
      await mkdir(dirname(join(templateDir, name)), { recursive: true });
      await writeFile(join(templateDir, name), source);
    }
    return rig.boot({ templates: { dir: templateDir, ...templates }, ...mailing });
  }

  async function received(
    app: MailingApp,
    recipients: Recipient[],
    info: Partial<TemplateEmailInfo> = {},
  ): Promise<Record<string, { html: string; text: string; subject: string }>> {
    await app.sender.sendEmailMessage({ ...INFO, ...info }, recipients, false);
    const all: Record<string, { html: string; text: string; subject: string }> = {};
    for (const message of rig.inbox.messages.splice(0)) {
      const { html, text = '', subject = '' } = await message.parsed();
      all[message.to[0].split('@')[0]] = { html: String(html).trim(), text: text.trimEnd(), subject };
    }
    return all;
  }

  const reader = (name: string, locale: unknown): Recipient => ({
    email: `${name}@home.example`,
    data: { locale },
  });

  describe('languages', () => {
    const LANGUAGES = {
      'welcome.hbs': '<p>Welcome</p>',
      'welcome.fr.hbs': '<p>Bienvenue</p>',
      'welcome.fr-CA.hbs': '<p>Bienvenue au Canada</p>',
      'welcome.txt.hbs': 'Welcome, plain',
      'welcome.txt.fr.hbs': 'Bienvenue, texte',
      '../secret.hbs': 'secret',
    };

    it('are that of the recipient, else that of the mailing, else the default', async () => {
      const app = await boot(LANGUAGES);
      const list = [
        reader('canada', 'fr-CA'),
        reader('java', 'fr_CA'),
        reader('swiss', 'fr-CH'),
        reader('german', 'de'),
        'nobody@home.example',
      ];
      const htmlOf = async (info: Partial<TemplateEmailInfo>): Promise<Record<string, string>> => {
        const all = await received(app, list, { templateUrl: 'welcome', ...info });
        return Object.fromEntries(Object.entries(all).map(([name, { html }]) => [name, html]));
      };
      expect(await htmlOf({})).toEqual({
        canada: '<p>Bienvenue au Canada</p>',
        java: '<p>Bienvenue au Canada</p>',
        swiss: '<p>Bienvenue</p>',
        german: '<p>Welcome</p>',
        nobody: '<p>Welcome</p>',
      });
      expect(await htmlOf({ locale: 'fr-CA' })).toMatchObject({
        swiss: '<p>Bienvenue</p>',
        german: '<p>Bienvenue au Canada</p>',
        nobody: '<p>Bienvenue au Canada</p>',
      });
    });

    it('of the text template are its own files', async () => {
      const app = await boot(LANGUAGES);
      const info = { templateUrl: 'welcome.hbs', altTemplateUrl: 'welcome.txt.hbs' };
      const all = await received(app, [reader('canada', 'fr-CA'), reader('german', 'de')], info);
      expect(all).toMatchObject({
        canada: { html: '<p>Bienvenue au Canada</p>', text: 'Bienvenue, texte' },
        german: { html: '<p>Welcome</p>', text: 'Welcome, plain' },
      });
    });

    it.each([
      ['../secret'],
      ['fr/../../secret'],
      ['..'],
      ['/etc/hostname'],
      ['fr\0'],
      ['x'.repeat(9_999)],
      [7],
      [null],
    ])(
      'with a recipient’s locale that is no language tag (%j) read no other file, and fail no message',
      async (locale) => {
        const app = await boot(LANGUAGES);
        const all = await received(app, [reader('ann', locale)], { templateUrl: 'welcome.hbs' });
        expect(all.ann.html).toBe('<p>Welcome</p>');
      },
    );

    it('of which one does not compile, or leads out of the folder, refuse the mailing', async () => {
      const app = await boot({ 'a.hbs': 'a', 'a.fr.hbs': '{{#if}', 'b.hbs': 'b' });
      // Beside the folder of the templates.
      await symlink(rig.database.url.slice('sqlite:'.length), join(dirOf(), 'b.fr.hbs'));
      const send = (templateUrl: string) => app.sender.sendEmailMessage({ ...INFO, templateUrl }, []);
      await expect(send('a.hbs')).rejects.toMatchObject({
        code: 'MAILING_TEMPLATE_NOT_COMPILING',
        templateUrl: 'a.fr.hbs',
      });
      await expect(send('b.hbs')).rejects.toMatchObject({ code: 'MAILING_TEMPLATE_OUTSIDE_FOLDER' });
    });

    it.each(['../x', 'x', 'french', ''])('refuse an invalid locale of the mailing: %j', async (locale) => {
      const app = await boot(LANGUAGES);
      const request = app.sender.sendEmailMessage({ ...INFO, locale }, []);
      await expect(request).rejects.toMatchObject({ code: 'MAILING_FIELD_INVALID', field: 'locale' });
    });
  });

  describe('text made from html', () => {
    const PAGE = { 'page.hbs': `<p>${'word '.repeat(30)}</p><hr><ul><li>One</li><li>Two</li></ul>` };
    const linesOf = async (app: MailingApp): Promise<string[]> =>
      (await received(app, ['ann@home.example'], { templateUrl: 'page.hbs' })).ann.text.split('\n');

    it('has lines of 78 characters, a rule of hyphens and stars before list items', async () => {
      const lines = await linesOf(await boot(PAGE));
      expect(Math.max(...lines.map((line) => line.length))).toBe(78);
      expect(lines).toContain('-'.repeat(78));
      expect(lines.slice(-2)).toEqual([' * One', ' * Two']);
    });

    it('follows the options', async () => {
      const text = { lineWidth: 30, indentWidth: 4, hrChar: '=', liChar: '–' };
      const lines = await linesOf(await boot(PAGE, { text }));
      expect(Math.max(...lines.map((line) => line.length))).toBe(30);
      expect(lines).toContain('='.repeat(30));
      expect(lines.slice(-2)).toEqual(['    – One', '    – Two']);
    });

    it('is not broken with a width of 0', async () => {
      const [line] = await linesOf(await boot(PAGE, { text: { lineWidth: 0 } }));
      expect(line).toHaveLength(149);
    });
  });

  describe('partials, layouts and helpers', () => {
    const FILES = {
      'page.hbs': '{{#> layout title="Hi"}}{{#*inline "side"}}S{{/inline}}<p>{{shout name}}</p>{{/layout}}',
      'page.txt.hbs': '{{> shop/sign}} {{shout name}}',
      'partials/layout.hbs': '<h1>{{title}}</h1>{{> side}}{{> @partial-block}}{{> shop/sign}}',
      'partials/shop/sign.hbs': '<i>{{name}}</i>',
      'dynamic.hbs': '{{> (lookup . "part")}}',
      'lost.hbs': '{{#if never}}{{> nowhere}}{{/if}}',
      'out.hbs': '{{> ../../secret}}',
      'spare.hbs': '{{#> nowhere}}spare{{/nowhere}}',
    };
    const helpers = { shout: (text: unknown) => String(text).toUpperCase() };
    const ann = { email: 'ann@home.example', name: 'A & b', data: { part: 'shop/sign' } };

    it('C6 escape partials in html and not in text, also when both use them', async () => {
      const app = await boot(FILES, { helpers });
      const all = await received(app, [ann], { templateUrl: 'page.hbs', altTemplateUrl: 'page.txt.hbs' });
      expect(all.ann.html).toBe('<h1>Hi</h1>S<p>A &amp; B</p><i>A &amp; b</i>');
      expect(all.ann.text).toBe('<i>A & b</i> A & B');
    });

    it('may name a partial by data, with a fallback', async () => {
      const app = await boot(FILES, { helpers });
      const info = { templateUrl: 'dynamic.hbs', params: { part: 'shop/sign' } };
      expect((await received(app, [ann], info)).ann.html).toBe('<i>A &amp; b</i>');
      expect((await received(app, [ann], { templateUrl: 'spare.hbs' })).ann.html).toBe('spare');
    });

    it.each([
      ['MAILING_TEMPLATE_NOT_COMPILING', 'lost.hbs'],
      ['MAILING_TEMPLATE_OUTSIDE_FOLDER', 'out.hbs'],
    ])('are refused with %s: %s', async (code, templateUrl) => {
      const app = await boot(FILES);
      await expect(app.sender.sendEmailMessage({ ...INFO, templateUrl }, [])).rejects.toMatchObject({ code });
    });

    it('may come from another partials folder', async () => {
      await boot({ 'other/sign.hbs': 'other', 'page.hbs': '{{> sign}}' });
      const dir = dirOf();
      const second = await boot({}, { dir, partialsDir: join(dir, 'other') }, { uniqServerId: 'test:2' });
      expect((await received(second, [ann], { templateUrl: 'page.hbs' })).ann.html).toBe('other');
    });
  });

  /** The template folder of the application under test. */
  const dirOf = (): string => rig.apps[0].templateDir;
});
