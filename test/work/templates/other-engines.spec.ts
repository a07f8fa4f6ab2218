import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { MailerOptions } from '@nestjs-modules/mailer';
import { MjmlAdapter } from '@nestjs-modules/mailer/adapters/mjml.adapter';
import { PugAdapter } from '@nestjs-modules/mailer/adapters/pug.adapter';
import {
  MailerAdapterRenderer,
  type MailingModuleOptions,
  type ProfileRepository,
  type Recipient,
  type RecipientProfile,
  TemplateEmailPreview,
  type TemplateEmailRequest,
} from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';

/** The profiles, by the number in their ids. */
class Readers implements ProfileRepository {
  findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    return Promise.resolve(
      new Map(
        ids.map((id) => {
          const data = { order: id === 'r7' ? null : { total: `${id} <€>` } };
          return [id, { email: `${id}@home.example`, name: `Reader ${id}`, data }];
        }),
      ),
    );
  }
}

const PUG = {
  'letter.pug': 'include parts/sign\n+greeting(name)\np.total= order === undefined ? "" : order.total',
  'parts/sign.pug': 'mixin greeting(who)\n  p.who Dear #{who}',
};
const MJML = {
  'letter.pug':
    'include parts/sign\nmjml\n  mj-body: mj-section: mj-column\n    +greeting(name)\n    mj-text= order === undefined ? "" : order.total',
  'parts/sign.pug': 'mixin greeting(who)\n  mj-text Dear #{who}',
};

interface Engine {
  name: string;
  files: Record<string, string>;
  adapter: () => NonNullable<MailerOptions['template']>['adapter'];
  options?: object;
}

const ENGINES: Engine[] = [
  {
    name: 'pug',
    files: PUG,
    adapter: () => new PugAdapter({ inlineCssEnabled: false }),
    options: { cache: true },
  },
  { name: 'mjml', files: MJML, adapter: () => new MjmlAdapter('pug', { inlineCssEnabled: false }) },
];

const PUG_INFO = { ...INFO, templateUrl: 'letter.pug', subject: 'For {{name}}' };
const ids = (count: number): Recipient[] => Array.from({ length: count }, (_, n) => ({ userId: `r${n}` }));

async function put(dir: string, files: Record<string, string>): Promise<void> {
  for (const [name, source] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), source);
  }
}

async function booted(
  rig: MailingRig,
  { files, adapter, options }: Engine,
  mailing: Partial<MailingModuleOptions> = {},
): Promise<MailingApp> {
  const app = await rig.boot(
    { renderer: MailerAdapterRenderer, profileRepository: Readers, run: { concurrency: 8 }, ...mailing },
    { templates: {}, mailer: { template: { adapter: adapter(), options } as MailerOptions['template'] } },
  );
  await put(app.templateDir, files);
  return app;
}

/** Each message matches its recipient: subject, html and text. */
async function assertOwnContent(rig: MailingRig): Promise<void> {
  for (const message of rig.inbox.messages) {
    const [id] = message.to[0].split('@');
    const { subject, html, text } = await message.parsed();
    expect(subject).toBe(`For Reader ${id}`);
    expect(String(html).match(/Dear Reader r\d+/g)).toEqual([`Dear Reader ${id}`]);
    expect(String(html)).toContain(`${id} &lt;€&gt;`);
    expect(text?.split(/\n+/).filter(Boolean)).toEqual([`Dear Reader ${id}`, `${id} <€>`]);
  }
}

for (const engine of ENGINES) {
  forEachDatabase(`${engine.name}, by the adapter of the mailer`, (kind) => {
    const rig = MailingRig.forEachTest(kind);

    it('C18 each recipient gets its own message, eight at a time, and a template that throws fails one recipient', async () => {
      const { sender } = await booted(rig, engine);
      const { mailingId } = await sender.sendEmailMessage(PUG_INFO, ids(60), false, true);
      const progress = await rig.progress(mailingId as string);
      assertProgressAddsUp(progress);
      expect(progress.byStatus).toEqual({ sent: 59, error: 1 });
      const failed = await rig.database.dataSource.query(
        "SELECT user_id, error_code, error_text FROM dps_user_mailing WHERE status = 'error'",
      );
      expect(failed).toEqual([
        { user_id: 'r7', error_code: 'template', error_text: expect.stringContaining('null') },
      ]);
      expect(rig.inbox.countsByRecipient().size).toBe(59);
      await assertOwnContent(rig);
    });

    it('a mailing in progress continues after a restart with its stored templates', async () => {
      const first = await booted(rig, engine);
      const { mailingId } = await first.sender.sendEmailMessage(PUG_INFO, ids(200), { persist: true });
      await rig.inbox.waitFor(5);
      await first.close();
      expect(rig.inbox.messages.length).toBeLessThan(199);
      await booted(rig, { ...engine, files: { 'letter.pug': 'p edited' } });
      await rig.reached(mailingId as string, 'completed');
      expect((await rig.progress(mailingId as string)).byStatus).toEqual({ sent: 199, error: 1 });
      expect([...rig.inbox.countsByRecipient().values()]).toEqual(Array.from({ length: 199 }, () => 1));
      await assertOwnContent(rig);
    });
  });
}

describe('templates of another engine', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const [pug, mjml] = ENGINES;

  async function received(app: MailingApp, list: Recipient[], info: Partial<TemplateEmailRequest>) {
    await app.sender.sendEmailMessage({ ...PUG_INFO, ...info } as TemplateEmailRequest, list, false);
    const all: Record<string, unknown[]> = {};
    for (const message of rig.inbox.messages.splice(0)) {
      const { html, text } = await message.parsed();
      all[message.to[0].split('@')[0]] = [html, text?.trim()];
    }
    return all;
  }

  const ann = { email: 'ann@home.example', name: 'A & b' };
  const french = { email: 'eve@home.example', name: 'Eve', data: { locale: 'fr-CA' } };

  it('leave headers to Handlebars, which renders them for each recipient, and refuses those that do not compile', async () => {
    const app = await booted(rig, pug);
    const headers = { 'X-Reader': '{{email}} is {{name}}', 'X-Shop': 'one' };
    await app.sender.sendEmailMessage({ ...PUG_INFO, headers }, [ann, french], false);
    const found = rig.inbox.messages.map(
      ({ raw }) => /^X-Reader: (.*)\r\nX-Shop: one\r$/m.exec(raw.toString())?.[1],
    );
    expect(new Set(found)).toEqual(new Set(['ann@home.example is A & b', 'eve@home.example is Eve']));
    const wrong = app.sender.sendEmailMessage(
      { ...PUG_INFO, headers: { 'X-Reader': '{{#if}}' } },
      [ann],
      false,
    );
    await expect(wrong).rejects.toThrow('X-Reader');
  });

  it('C9 have languages, and text templates with languages of their own', async () => {
    const files = {
      'a/welcome.pug': 'p Welcome #{name}',
      'a/welcome.fr.pug': 'p Bienvenue',
      'a/welcome.txt.pug': 'p Welcome, plain #{name}',
      'b/welcome.pug': 'p B',
      'plain.hbs': 'Plain {{name}}',
    };
    const app = await booted(rig, { ...pug, files });
    const info = { templateUrl: 'a/welcome.pug', altTemplateUrl: 'a/welcome.txt.pug' };
    expect(await received(app, [ann, french], info)).toEqual({
      ann: ['<p>Welcome A &amp; b</p>', 'Welcome, plain A & b'],
      eve: ['<p>Bienvenue</p>', 'Welcome, plain Eve'],
    });
    expect(
      await received(app, [ann], { templateUrl: './b/welcome.pug', altTemplateUrl: 'plain.hbs' }),
    ).toEqual({ ann: ['<p>B</p>', 'Plain A & b'] });
  });

  it('C8 are read again for the next mailing, also by an engine that caches compiled templates', async () => {
    const app = await booted(rig, { ...pug, files: { 'letter.pug': 'p old' } });
    expect(await received(app, [ann], {})).toEqual({ ann: ['<p>old</p>', 'old'] });
    await put(app.templateDir, { 'letter.pug': 'p new' });
    expect(await received(app, [ann], {})).toEqual({ ann: ['<p>new</p>', 'new'] });
  });

  it.each([
    [false, true, 'text/plain'],
    [true, false, 'text/html'],
    [true, true, 'multipart/alternative'],
  ])('can be sent with html %j and text %j', async (sendAsHtml, sendAsText, type) => {
    const files = { 'letter.pug': 'mjml: mj-body: mj-section: mj-column: mj-text Hi' };
    const { sender } = await booted(rig, { ...mjml, files });
    await sender.sendEmailMessage({ ...PUG_INFO, sendAsHtml, sendAsText }, [ann], false);
    const [message] = rig.inbox.messages;
    expect(message.header('Content-Type')).toMatch(type);
    expect((await message.parsed()).text?.trim()).toBe('Hi');
  });

  it('can be previewed', async () => {
    const { nest } = await booted(rig, pug);
    const previews = nest.get(TemplateEmailPreview);
    const message = await previews.preview(PUG_INFO, { userId: 'r1' });
    expect(message.html).toBe('<p class="who">Dear Reader r1</p><p class="total">r1 &lt;€&gt;</p>');
    const report = await previews.dryRun(PUG_INFO, ids(10));
    expect(report).toMatchObject({ numMessages: 9, failed: { [Object.keys(report.failed)[0]]: 1 } });
  });

  it.each<[string, Partial<TemplateEmailRequest>]>([
    ['MAILING_TEMPLATE_MISSING', { templateUrl: 'nowhere.pug' }],
    ['MAILING_TEMPLATE_OUTSIDE_FOLDER', { templateUrl: '../letter.pug' }],
    ['MAILING_TEMPLATE_OUTSIDE_FOLDER', { altTemplateUrl: '/etc/hostname.pug' }],
    ['MAILING_TEMPLATE_NOT_COMPILING', { templateUrl: 'broken.pug' }],
    ['MAILING_TEMPLATE_NOT_COMPILING', { templateUrl: 'throws.pug' }],
    ['MAILING_TEMPLATE_NOT_COMPILING', { templateUrl: 'climbs.pug' }],
    ['MAILING_TEMPLATE_NOT_COMPILING', { templateUrl: 'tongues.pug' }],
    ['MAILING_TEMPLATE_NOT_COMPILING', { subject: '{{#if}' }],
    ['MAILING_FIELD_INVALID', { templateUrl: 'letter' }],
    ['MAILING_FIELD_INVALID', { fillFromTemplate: true }],
  ])('are refused with %s: %j', async (code, info) => {
    const app = await booted(rig, {
      ...pug,
      files: {
        ...PUG,
        'broken.pug': 'p(',
        'throws.pug': 'p= customer.city',
        'climbs.pug': 'include ../../../../../../../etc/hostname',
        'tongues.pug': 'p',
        'tongues.fr.pug': 'p= customer.city',
      },
    });
    const request = app.sender.sendEmailMessage({ ...PUG_INFO, ...info } as TemplateEmailRequest, [], {
      persist: true,
    });
    await expect(request).rejects.toMatchObject({ code });
  });

  it('stop the start where the mailer has no adapter', async () => {
    await expect(rig.boot({ renderer: MailerAdapterRenderer })).rejects.toMatchObject({
      code: 'MAILING_MAILER_ADAPTER_MISSING',
    });
  });

  it('read absolute includes from the copy where the base folder is the template folder', async () => {
    const { templateDir } = await rig.boot({ uniqServerId: 'folder:1' });
    await put(templateDir, {
      'mail/letter.pug': 'include /parts/sign\np!= sign',
      'parts/sign.pug': '- var sign = "S"',
    });
    const mailer = { template: { adapter: pug.adapter(), options: { basedir: templateDir } } };
    const options = { renderer: MailerAdapterRenderer, templates: { dir: templateDir } };
    const app = await rig.boot(options, { mailer });
    const request = { ...PUG_INFO, templateUrl: 'mail/letter.pug' };
    const later = { persist: true, sendAt: new Date('2099-01-01') };
    const { mailingId } = await app.sender.sendEmailMessage(request, [ann], later);
    await app.close();
    await rm(join(templateDir, 'parts'), { recursive: true });
    await rig.database.dataSource.query('UPDATE dps_mailing SET scheduled_at = NULL');
    await mkdir(templateDir, { recursive: true });
    await rig.boot(options, { mailer });
    await rig.reached(mailingId as string, 'completed');
    expect((await rig.inbox.messages[0].parsed()).html).toBe('<p>S</p>');
  });
});
