import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HandlebarsRenderer } from '../../libs/mailing/src/delivery/handlebars/handlebars.renderer.js';
import { TemplateFolder } from '../../libs/mailing/src/delivery/templates/template-folder.js';
import type { HandlebarsTemplate } from '../../libs/mailing/src/delivery/handlebars/handlebars.template.js';
import type { TemplateEmailInfo } from '../../libs/mailing/src/model/mail/template-email-info.js';

describe('HandlebarsRenderer', () => {
  let root: string;
  let dir: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'mailing-renderer-'));
    dir = join(root, 'templates');
    await mkdir(dir);
    await write('letter.hbs', '<p>Dear {{name}}</p>');
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const write = (path: string, source: string): Promise<void> => writeFile(join(dir, path), source);
  const open = (info: Partial<TemplateEmailInfo> = {}): Promise<HandlebarsTemplate> =>
    new HandlebarsRenderer(new TemplateFolder(dir)).open({
      templateUrl: 'letter.hbs',
      subject: 'Hello {{name}}',
      from: 'news@shop.example',
      ...info,
    });

  it('C6 escapes in html and nowhere else', async () => {
    await write('letter.text.hbs', 'Dear {{name}}');
    const template = await open({ altTemplateUrl: 'letter.text.hbs' });
    expect(template.render({ name: "O'Neill & Söhne <x>" })).toEqual({
      subject: "Hello O'Neill & Söhne <x>",
      html: '<p>Dear O&#x27;Neill &amp; Söhne &lt;x&gt;</p>',
      text: "Dear O'Neill & Söhne <x>",
    });
  });

  it('C6 writes no entities into the text made from html', async () => {
    expect((await open()).render({ name: 'C&A <x>' }).text).toBe('Dear C&A <x>');
  });

  it.each([
    ['null', { name: null }],
    ['undefined', { name: undefined }],
    ['empty', { name: '' }],
    ['missing', {}],
  ])('C7 renders nothing for a name that is %s', async (_, variables) => {
    await write('deep.hbs', '[{{name}}|{{person.name}}|{{#each orders}}x{{/each}}]');
    const template = await open({ templateUrl: 'deep.hbs', subject: 'Hello{{name}}!' });
    expect(template.render(variables)).toEqual({ subject: 'Hello!', html: '[||]', text: '[||]' });
  });

  it('C9 keeps templates of one name in two folders apart', async () => {
    for (const language of ['en', 'es']) {
      await mkdir(join(dir, language));
      await write(`${language}/welcome.hbs`, `<p>${language} {{name}}</p>`);
    }
    const renderer = new HandlebarsRenderer(new TemplateFolder(dir));
    const info = { subject: '-', from: 'news@shop.example' };
    const en = await renderer.open({ ...info, templateUrl: 'en/welcome' });
    const es = await renderer.open({ ...info, templateUrl: 'es/welcome' });
    expect([en, es, en].map((one) => one.render({ name: 'Ann' }).html)).toEqual([
      '<p>en Ann</p>',
      '<p>es Ann</p>',
      '<p>en Ann</p>',
    ]);
  });

  it('keeps an opened template when its file is edited, and gives the next mailing the edited one', async () => {
    const before = await open();
    await write('letter.hbs', '<p>Edited</p>');
    expect(before.render({ name: 'Ann' }).html).toBe('<p>Dear Ann</p>');
    expect((await open()).render({ name: 'Ann' }).html).toBe('<p>Edited</p>');
  });

  it.each([
    ['both by default', {}, ['html', 'subject', 'text']],
    ['html only', { sendAsText: false }, ['html', 'subject']],
    ['text only, made from the html', { sendAsHtml: false }, ['subject', 'text']],
  ])('renders %s', async (_, info, parts) => {
    const rendered = (await open(info)).render({ name: 'Ann' });
    expect(Object.keys(rendered).sort()).toEqual(parts);
    expect(rendered.text ?? 'Dear Ann').toBe('Dear Ann');
  });

  it('renders text only from its own template, and then does not touch the html', async () => {
    await write('letter.hbs', '{{noSuchHelper name}}');
    await write('letter.text.hbs', 'Plain {{name}}');
    const template = await open({ altTemplateUrl: 'letter.text.hbs', sendAsHtml: false });
    expect(template.render({ name: 'Ann' })).toEqual({ subject: 'Hello Ann', text: 'Plain Ann' });
  });

  it('makes a readable text part: links with their target, no pictures, no style', async () => {
    const html =
      '<style>p{color:red}</style><h1>Sale</h1><p><a href="https://shop.example/s">Look</a><img src="https://shop.example/p.png"></p>';
    await write('rich.hbs', html);
    const { text } = (await open({ templateUrl: 'rich.hbs' })).render({});
    expect(text).toContain('Look [https://shop.example/s]');
    expect(text).not.toMatch(/p\.png|color:red|<\w/);
  });

  it('C1 keeps the subject in one line if a variable has a line break', async () => {
    const { subject } = (await open()).render({ name: 'Ann\r\nBcc: evil@x.example' });
    expect(subject).toBe('Hello Ann Bcc: evil@x.example');
  });

  it('C8 fails only the recipient for which a template throws', async () => {
    await write('odd.hbs', '{{#if broken}}{{noSuchHelper broken}}{{/if}}Dear {{name}}');
    const template = await open({ templateUrl: 'odd.hbs' });
    expect(() => template.render({ name: 'Ann', broken: true })).toThrow(/noSuchHelper/);
    expect(() => template.render({ name: 'Ann', broken: true })).not.toThrow(/Correct the template/);
    expect(template.render({ name: 'Bob' }).html).toBe('Dear Bob');
  });

  it('C18 keeps variables of one recipient from the next', async () => {
    const template = await open({ subject: '{{code}}' });
    expect(template.render({ code: 'A1' }).subject).toBe('A1');
    expect(template.render({}).subject).toBe('');
  });

  it('lets templates read only own properties of the given objects', async () => {
    await write('probe.hbs', '[{{constructor}}{{__proto__}}{{params.constructor.name}}{{name.constructor}}]');
    expect((await open({ templateUrl: 'probe.hbs' })).render({ name: 'Ann', params: {} }).html).toBe('[]');
  });

  it.each([
    ['../secret.hbs'],
    ['../templates/../secret.hbs'],
    ['sub/../../secret.hbs'],
    ['/etc/hostname'],
    ['link.hbs'],
    ['linked/secret.hbs'],
    ['..'],
    ['.'],
    [''],
  ])('C8 reads nothing outside the folder: %j', async (templateUrl) => {
    await writeFile(join(root, 'secret.hbs'), 'secret');
    await symlink(join(root, 'secret.hbs'), join(dir, 'link.hbs'));
    await symlink(root, join(dir, 'linked'), 'junction');
    const isFolder = ['..', '.', ''].includes(templateUrl);
    const code = isFolder
      ? /^MAILING_TEMPLATE_(OUTSIDE_FOLDER|MISSING)$/
      : /^MAILING_TEMPLATE_OUTSIDE_FOLDER$/;
    await expect(open({ templateUrl })).rejects.toMatchObject({
      code: expect.stringMatching(code) as string,
    });
    await expect(open({ altTemplateUrl: templateUrl })).rejects.toMatchObject({
      code: expect.stringMatching(code) as string,
    });
  });

  it('follows a link that stays inside, also when the folder itself is one', async () => {
    await symlink(join(dir, 'letter.hbs'), join(dir, 'alias.hbs'));
    await symlink(dir, join(root, 'current'), 'junction');
    const renderer = new HandlebarsRenderer(new TemplateFolder(join(root, 'current')));
    const info = { templateUrl: 'alias', subject: '-', from: 'news@shop.example' };
    expect((await renderer.open(info)).render({ name: 'Ann' }).html).toBe('<p>Dear Ann</p>');
  });

  it.each(['gone.hbs', 'gone', 'gone/letter.hbs', 'folder.hbs', '..hidden.hbs', 'a\0b.hbs'])(
    'C8 names the path of a missing %j',
    async (templateUrl) => {
      await mkdir(join(dir, 'folder.hbs'));
      await expect(open({ templateUrl })).rejects.toMatchObject({
        code: 'MAILING_TEMPLATE_MISSING',
        templateUrl,
        path: expect.stringContaining(dir) as string,
      });
    },
  );

  it.each([
    ['html', { templateUrl: 'broken.hbs' }, 'broken.hbs'],
    ['text', { altTemplateUrl: 'broken.hbs' }, 'broken.hbs'],
    ['subject', { subject: 'Hello {{name' }, 'subject'],
    ['subject with an unknown helper', { subject: '{{shout name}}' }, 'subject'],
    ['partial', { templateUrl: 'partial.hbs' }, 'partial.hbs'],
  ])(
    'C8 refuses a template that does not compile, before any message is sent: %s',
    async (_, info, templateUrl) => {
      await write('broken.hbs', '{{#if name}}never closed');
      await write('partial.hbs', '{{> footer}}');
      await expect(open(info)).rejects.toMatchObject({ code: 'MAILING_TEMPLATE_NOT_COMPILING', templateUrl });
    },
  );
});
