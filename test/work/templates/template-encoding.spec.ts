import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HandlebarsAdapter } from '@nestjs-modules/mailer/adapters/handlebars.adapter';
import { PugAdapter } from '@nestjs-modules/mailer/adapters/pug.adapter';
import { MailerAdapterRenderer, TemplateEncodingError, type TemplateEmailInfo } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';

type Files = Record<string, string | Buffer>;

const ADAPTERS = {
  handlebars: null,
  'handlebars by the adapter': () => new HandlebarsAdapter(undefined, { inlineCssEnabled: false }),
  pug: () => new PugAdapter({ inlineCssEnabled: false }),
};
type Engine = keyof typeof ADAPTERS;

const MARK = '\uFEFF';
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const utf16 = (text: string): Buffer => Buffer.from(`${MARK}${text}`, 'utf16le');

describe('the encoding of template files', () => {
  const rig = MailingRig.forEachTest('sqlite');

  async function booted(files: Files, engine: Engine): Promise<MailingApp> {
    const adapter = ADAPTERS[engine]?.();
    const app = await rig.boot(
      adapter ? { renderer: MailerAdapterRenderer } : {},
      adapter ? { mailer: { template: { adapter } } } : {},
    );
    for (const [name, source] of Object.entries(files)) {
      await mkdir(dirname(join(app.templateDir, name)), { recursive: true });
      await writeFile(join(app.templateDir, name), source);
    }
    return app;
  }

  const ANN = { email: 'ann@home.example', name: 'Ann', data: { locale: 'fr' } };

  it('removes the byte order marks of templates, partials, layouts and languages from messages', async () => {
    const app = await booted(
      {
        'page.hbs': `${MARK}{{#> layout}}<p>Page</p>{{/layout}}`,
        'page.fr.hbs': `${MARK}{{#> layout}}<p>Grüße</p>{{> sign}}{{/layout}}`,
        'page.txt.hbs': `${MARK}Plain {{> sign}}`,
        'partials/layout.hbs': `${MARK}<h1>Shop</h1>{{> @partial-block}}`,
        'partials/sign.hbs': `${MARK}<i>{{name}}</i>`,
      },
      'handlebars',
    );
    const info = { ...INFO, templateUrl: 'page.hbs', altTemplateUrl: 'page.txt.hbs' };
    await app.sender.sendEmailMessage(info, [ANN], false);
    const { html, text } = await rig.inbox.messages[0].parsed();
    expect(html).toBe('<h1>Shop</h1><p>Grüße</p><i>Ann</i>');
    expect(text).toBe('Plain <i>Ann</i>');
  });

  it('allows front matter behind a byte order mark', async () => {
    const app = await booted(
      { 'page.hbs': `${MARK}---\nsubject: Grüße an {{name}}\n---\n<p>Hi</p>` },
      'handlebars',
    );
    await app.sender.sendEmailMessage(
      { templateUrl: 'page.hbs', from: 'news@shop.example', fillFromTemplate: true },
      [ANN],
      false,
    );
    const { subject, html } = await rig.inbox.messages[0].parsed();
    expect({ subject, html }).toEqual({ subject: 'Grüße an Ann', html: '<p>Hi</p>' });
  });

  it('removes the marks from files that another engine reads', async () => {
    const app = await booted({ 'letter.hbs': `${MARK}<p>Grüße</p>` }, 'handlebars by the adapter');
    await app.sender.sendEmailMessage({ ...INFO, templateUrl: 'letter.hbs' }, [ANN], false);
    expect((await rig.inbox.messages[0].parsed()).html).toBe('<p>Grüße</p>');
  });

  const PAGE = '<p>Hi</p>{{> sign}}';
  const SIGN = { 'partials/sign.hbs': 'Shop' };

  it.each<[string, Engine, Files, Partial<TemplateEmailInfo>, string, number, string]>([
    [
      'a template in latin1',
      'handlebars',
      { 'page.hbs': latin1('a\n\n<p>Grüße</p>\nb') },
      {},
      'page.hbs',
      3,
      '',
    ],
    [
      'one that ends within a character',
      'handlebars',
      { 'page.hbs': Buffer.from('a\r\nGrü').subarray(0, 6) },
      {},
      'page.hbs',
      2,
      '',
    ],
    [
      'surrogates',
      'handlebars',
      { 'page.hbs': Buffer.from('a\xed\xa0\xbd', 'latin1') },
      {},
      'page.hbs',
      1,
      '',
    ],
    [
      'a partial in latin1',
      'handlebars',
      { 'page.hbs': PAGE, 'partials/sign.hbs': latin1('Grüße') },
      {},
      'sign.hbs',
      1,
      '',
    ],
    [
      'a layout in latin1',
      'handlebars',
      { 'page.hbs': '{{#> layout}}{{/layout}}', 'partials/layout.hbs': latin1('\n<h1>Grüße</h1>') },
      {},
      'layout.hbs',
      2,
      '',
    ],
    [
      'one language in latin1',
      'handlebars',
      { 'page.hbs': 'a', 'page.fr.hbs': latin1('à bientôt') },
      {},
      'page.fr.hbs',
      1,
      '',
    ],
    [
      'a text template in latin1',
      'handlebars',
      { 'page.hbs': 'a', 'page.txt.hbs': latin1('Grüße') },
      { altTemplateUrl: 'page.txt.hbs' },
      'page.txt.hbs',
      1,
      '',
    ],
    [
      'front matter in latin1',
      'handlebars',
      { 'page.hbs': latin1('---\nsubject: Grüße\n---\n<p>Hi</p>') },
      { fillFromTemplate: true },
      'page.hbs',
      2,
      '',
    ],
    ['UTF-16', 'handlebars', { 'page.hbs': utf16('<p>Grüße</p>') }, {}, 'page.hbs', 1, 'UTF-16'],
    [
      'UTF-16, big-endian',
      'handlebars',
      { 'page.hbs': utf16('<p>Grüße</p>').swap16() },
      {},
      'page.hbs',
      1,
      'UTF-16',
    ],
    [
      'UTF-16 without a mark',
      'handlebars',
      { 'page.hbs': Buffer.from('<p>Hello</p>', 'utf16le') },
      {},
      'page.hbs',
      1,
      'NUL',
    ],
    ['a template of another engine', 'pug', { 'page.pug': latin1('p\n  | Grüße') }, {}, 'page.pug', 2, ''],
    [
      'what another engine includes',
      'pug',
      { 'page.pug': 'include parts/sign', 'parts/sign.pug': latin1('p Grüße') },
      {},
      'parts/sign.pug',
      1,
      '',
    ],
    [
      'a language of another engine',
      'pug',
      { 'page.pug': 'p', 'page.fr.pug': latin1('p\n\np à') },
      {},
      'page.fr.pug',
      3,
      '',
    ],
  ])('is refused for %s with file and line, before anything is written', async (...row) => {
    const [, engine, files, more, templateUrl, line, found] = row;
    const app = await booted({ ...SIGN, ...files }, engine);
    const info = { ...INFO, templateUrl: engine === 'pug' ? 'page.pug' : 'page.hbs', ...more };
    const refused: unknown = await app.sender
      .sendEmailMessage(info, [ANN], { persist: true })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(TemplateEncodingError);
    expect(refused).toMatchObject({ code: 'MAILING_TEMPLATE_ENCODING', templateUrl, line });
    const { message } = refused as Error;
    expect(message).toContain(`${templateUrl}"`);
    expect(message).toContain(`in line ${line}. Save the file as UTF-8.`);
    expect(message).toContain(found);
    expect(await rig.database.dataSource.query('SELECT count(*) AS n FROM dps_mailing')).toEqual([{ n: 0 }]);
    expect(rig.inbox.messages).toEqual([]);
  });
});
