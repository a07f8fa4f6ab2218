import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { MailerOptions } from '@nestjs-modules/mailer';
import { PugAdapter } from '@nestjs-modules/mailer/adapters/pug.adapter';
import { EjsAdapter } from '@nestjs-modules/mailer/adapters/ejs.adapter';
import { MailerAdapterRenderer, type Recipient } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { BRIDGED_ENGINES } from '../../support/hosts/bridged-engines.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';

/** Options of engines and of their own functions; all are plausible field names of a profile, too. */
const FIELDS: Record<string, unknown> = {
  // pug
  self: true,
  cache: false,
  filename: '/etc/hostname',
  basedir: '/etc',
  doctype: 'xml',
  globals: ['name'],
  pretty: 'x',
  compileDebug: false,
  debug: false,
  inlineRuntimeFunctions: true,
  filterAliases: { name: 'x' },
  // ejs
  settings: { 'view options': { client: true, escapeFunction: '1;throw new Error("taken over")//' } },
  client: true,
  escape: '1;throw new Error("taken over")//',
  escapeFunction: '1;throw new Error("taken over")//',
  delimiter: '?',
  openDelimiter: '[',
  outputFunctionName: 'x;throw new Error("taken over");y',
  localsName: 'x;throw new Error("taken over");y',
  destructuredLocals: ['a=1'],
  async: true,
  strict: true,
  _with: false,
  context: { name: 'x' },
  // Handlebars, nunjucks, liquid
  noEscape: true,
  partials: { x: 'y' },
  decorators: { x: 'y' },
  knownHelpersOnly: true,
  compat: true,
  allowProtoPropertiesByDefault: true,
  autoescape: false,
  throwOnUndefined: true,
  tags: { blockStart: '[' },
  extname: '.x',
  root: '/etc',
  strictVariables: true,
  ownPropertyOnly: false,
  templates: { letter: 'x' },
};
const SHOWN = Object.keys(FIELDS).filter((field) => typeof FIELDS[field] !== 'object');
const SHOWN_VALUES = SHOWN.map((field) => String(FIELDS[field]));

/** Names from the code that engines generate, or from every object. */
const INNER = JSON.parse(
  '{"include":"i","escapeFn":"e","rethrow":"r","__append":"a","__output":"o","__line":"l","locals":"x",' +
    '"pug":"p","pug_html":"h","pug_mixins":"m","pug_escape":"e","helpers":{},"constructor":"c","__proto__":{"self":true,"name":"Eve"},' +
    '"prototype":"p","hasOwnProperty":"h","then":"t","env":"e","globals":"g","blocks":"b","caller":"c","loop":"l"}',
) as Record<string, unknown>;

const ann = { email: 'ann@home.example', name: 'Ann & co' };
const frenchAnn = { email: 'aline@home.example', name: 'Aline', data: { locale: 'fr' } };

describe('a recipient with hostile fields', () => {
  const rig = MailingRig.forEachTest('sqlite');

  async function boot(
    files: Record<string, string>,
    adapter: NonNullable<MailerOptions['template']>['adapter'],
    options: object = { cache: true },
  ): Promise<MailingApp> {
    const app = await rig.boot(
      { renderer: MailerAdapterRenderer, run: { concurrency: 1 } },
      { templates: {}, mailer: { template: { adapter, options } as MailerOptions['template'] } },
    );
    for (const [name, source] of Object.entries(files)) {
      await mkdir(dirname(join(app.templateDir, name)), { recursive: true });
      await writeFile(join(app.templateDir, name), source);
    }
    return app;
  }

  /** The texts sent to each recipient, without tags, in the order of arrival. */
  async function received(): Promise<Record<string, string>> {
    const texts: Record<string, string> = {};
    for (const message of rig.inbox.messages) {
      const { html } = await message.parsed();
      const body = String(html).replace(/<head>.*<\/head>/s, '');
      texts[message.to[0].split('@')[0]] = body.replace(/<[^>]*>/g, ' ').trim();
    }
    return texts;
  }

  const eve = (data: Record<string, unknown>): Recipient => ({
    email: 'eve@home.example',
    name: 'Eve',
    data,
  });

  describe.each(BRIDGED_ENGINES)('in $name', ({ extension, adapter, letter }) => {
    const info = { ...INFO, templateUrl: `letter${extension}` };
    const files = {
      [`letter${extension}`]: letter('Dear', SHOWN),
      [`letter.fr${extension}`]: letter('Chère', SHOWN),
    };
    const empty = SHOWN.map(() => '[]').join('');
    const plain = SHOWN_VALUES.map((value) => `[${value}]`).join('');
    const unescaped = (text: string): string => text.replaceAll('&quot;', '"').replaceAll('&#34;', '"');

    // liquid escapes nothing by itself.
    const escaped = (text: string): string => text.replace('& co', '&amp; co');

    it('sees the fields as plain values, and the next recipient gets its own message', async () => {
      const { sender } = await boot(files, adapter());
      const list = [eve(FIELDS), ann, { email: 'inner@home.example', data: INNER }, frenchAnn];
      const { mailingId } = await sender.sendEmailMessage(info, list, false, true);
      assertProgressAddsUp(await rig.progress(mailingId as string));
      const { eve: hers, ann: innocent, aline } = await received();
      expect(unescaped(hers).replace(/&#39;/g, "'")).toBe(`Dear Eve ${plain}`);
      expect(escaped(innocent)).toBe(`Dear Ann &amp; co ${empty}`);
      expect(aline).toBe(`Chère Aline ${empty}`);
    });

    it('does not change the messages of others when it is the first that a template is rendered for', async () => {
      const first = await boot(files, adapter());
      const french = { ...FIELDS, locale: 'fr' };
      const later = { persist: true, sendAt: new Date('2099-01-01') };
      const { mailingId } = await first.sender.sendEmailMessage(info, [eve(french), frenchAnn], later);
      await first.close();
      await rig.database.dataSource.query('UPDATE dps_mailing SET scheduled_at = NULL');
      await boot({}, adapter());
      await rig.reached(mailingId as string, 'completed');
      const { eve: hers, aline } = await received();
      expect(unescaped(hers)).toBe(`Chère Eve ${plain}`);
      expect(aline).toBe(`Chère Aline ${empty}`);
    });
  });

  it('pug: params of the caller are no options either', async () => {
    const { sender } = await boot({ 'letter.pug': 'p Dear #{name} #{self} #{pretty}' }, new PugAdapter());
    const params = { self: true, pretty: 'x' };
    await sender.sendEmailMessage({ ...INFO, templateUrl: 'letter.pug', params }, [ann], false);
    expect(await received()).toEqual({ ann: 'Dear Ann &amp; co true x' });
  });

  it('pug: options of the host apply, and are no variables', async () => {
    const options = { self: true, shop: 'Corner', filters: { loud: (text: string) => `${text}!` } };
    const letter = 'p #{self.name} of #{self.shop}\n  :loud  Hi';
    const { sender } = await boot({ 'letter.pug': letter }, new PugAdapter(), options);
    const own = { ...ann, email: 'own@home.example', data: { shop: 'Mill' } };
    await sender.sendEmailMessage({ ...INFO, templateUrl: 'letter.pug' }, [own, ann], false);
    expect(await received()).toEqual({ own: 'Ann &amp; co of Mill Hi!', ann: 'Ann &amp; co of  Hi!' });
  });

  it.each([
    ['pug', 'style p { color: red }\np Dear #{name}', () => new PugAdapter()],
    ['ejs', '<style>p { color: red }</style><p>Dear <%= name %></p>', () => new EjsAdapter()],
  ])('%s: css is inlined as the adapter is configured', async (extension, letter, adapter) => {
    const templateUrl = `letter.${extension}`;
    const { sender } = await boot({ [templateUrl]: letter }, adapter());
    await sender.sendEmailMessage({ ...INFO, templateUrl }, [ann], false);
    expect((await rig.inbox.messages[0].parsed()).html).toContain(
      '<p style="color: red;">Dear Ann &amp; co</p>',
    );
  });

  it('ejs: a field named like a word of its generated code hides neither includes nor the variables', async () => {
    const files = {
      'letter.ejs': '<%- include("parts/greeting") %> <%= locals.include %> <%= locals.city %>',
      'parts/greeting.ejs': 'Dear <%= name %>',
    };
    const { sender } = await boot(files, new EjsAdapter());
    const words = { include: 'all', locals: null, escapeFn: 'e', __append: 'a', rethrow: 'r', city: 'Ulm' };
    await sender.sendEmailMessage({ ...INFO, templateUrl: 'letter.ejs' }, [eve(words), ann], false);
    expect(await received()).toEqual({ eve: 'Dear Eve all Ulm', ann: 'Dear Ann &amp; co' });
  });

  it('ejs: an asynchronous template that throws fails one recipient, and does not crash the process', async () => {
    const letter = 'Dear <%= await Promise.resolve(name) %> <%= locals.order && order.total.net %>';
    const { sender } = await boot({ 'letter.ejs': letter }, new EjsAdapter(), { async: true });
    const list = [eve({ order: {} }), ann];
    const { mailingId } = await sender.sendEmailMessage(
      { ...INFO, templateUrl: 'letter.ejs' },
      list,
      false,
      true,
    );
    expect((await rig.progress(mailingId as string)).byStatus).toEqual({ sent: 1, error: 1 });
    expect(await received()).toEqual({ ann: 'Dear Ann &amp; co' });
  });

  it('in an adapter of the host that extends the pug adapter is an error of its own, with the field in the reason', async () => {
    class ShopAdapter extends PugAdapter {
      override compile(mail: never, done: never, options: MailerOptions): void {
        super.compile(mail, done, options);
      }
    }
    const { sender } = await boot({ 'letter.pug': 'p Dear #{name}' }, new ShopAdapter());
    const list = [eve({ self: true }), ann];
    const { mailingId } = await sender.sendEmailMessage(
      { ...INFO, templateUrl: 'letter.pug' },
      list,
      false,
      true,
    );
    const { recipients, byStatus } = await rig.progress(mailingId as string);
    expect(recipients[0]).toMatchObject({
      errorCode: 'template',
      errorText: expect.stringContaining('a recipient must not have a field "self"'),
    });
    expect(byStatus).toEqual({ sent: 1, error: 1 });
    expect(await received()).toEqual({ ann: 'Dear Ann &amp; co' });
  });

  it('in the plugin’s Handlebars sees the fields as plain values, and the next gets its own message and headers', async () => {
    const list = SHOWN.map((field) => `[{{${field}}}]`).join('');
    const letter = `---\nsubject: 'For {{name}} {{self}}'\nreplyTo: '{{escape}}'\n---\n<p>Dear {{name}} {{@root.self}} {{> (lookup . "part")}} ${list}</p>`;
    const { templateDir } = await rig.boot({ uniqServerId: 'folder:1' });
    const files = {
      'letter.hbs': letter,
      'partials/one.hbs': 'One',
      'partials/two.hbs': 'Two {{__proto__.self}}',
    };
    for (const [name, source] of Object.entries(files)) {
      await mkdir(dirname(join(templateDir, name)), { recursive: true });
      await writeFile(join(templateDir, name), source);
    }
    const { sender } = await rig.boot({ templates: { dir: templateDir }, run: { concurrency: 1 } });
    const info = {
      templateUrl: 'letter.hbs',
      from: INFO.from,
      fillFromTemplate: true as const,
      params: { part: 'one' },
    };
    const data = { ...FIELDS, ...INNER, part: 'two', escape: 'eve@home.example', globals: 'g' };
    await sender.sendEmailMessage(info, [eve(data), ann], false);
    const texts = await received();
    expect(texts.eve).toContain('Dear Eve true Two true [true][false][/etc/hostname]');
    expect(texts.ann).toBe(`Dear Ann &amp; co  One ${SHOWN.map(() => '[]').join('')}`);
    expect(rig.inbox.messages.map((one) => one.header('Reply-To'))).toEqual(['eve@home.example', undefined]);
  });
});
