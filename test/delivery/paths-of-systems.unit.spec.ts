import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix, win32 } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FolderContentReader } from '../../libs/mailing/src/delivery/templates/folder-content.reader.js';
import { HandlebarsRenderer } from '../../libs/mailing/src/delivery/handlebars/handlebars.renderer.js';
import { filesByLanguage } from '../../libs/mailing/src/delivery/templates/language-files.js';
import { leadsOut } from '../../libs/mailing/src/delivery/templates/leads-out.js';
import { TemplateCopyFolder } from '../../libs/mailing/src/delivery/templates/template-copy.folder.js';
import { TemplateFolder } from '../../libs/mailing/src/delivery/templates/template-folder.js';

describe('a path leads out of a folder', () => {
  it.each<[string, string, string, boolean]>([
    ['win32', 'C:\\shop\\templates', 'C:\\shop\\templates\\a\\letter.hbs', false],
    ['win32', 'C:\\shop\\templates', 'c:\\SHOP\\Templates\\letter.hbs', false],
    ['win32', 'C:\\shop\\templates', 'C:\\shop\\templates\\..letter.hbs', false],
    ['win32', 'C:\\shop\\templates', 'C:\\shop\\templates2\\letter.hbs', true],
    ['win32', 'C:\\shop\\templates', 'C:\\shop\\templates', true],
    ['win32', 'C:\\shop\\templates', 'C:\\shop', true],
    ['win32', 'C:\\shop\\templates', 'D:\\letter.hbs', true],
    ['win32', 'C:\\shop\\templates', '\\\\share\\letter.hbs', true],
    ['posix', '/shop/templates', '/shop/templates/a/letter.hbs', false],
    ['posix', '/shop/templates', '/shop/templates/..letter.hbs', false],
    ['posix', '/shop/templates', '/shop/Templates/letter.hbs', true],
    ['posix', '/shop/templates', '/shop/templates', true],
    ['posix', '/shop/templates', '/shop', true],
    ['posix', '/shop/templates', '/etc/passwd', true],
  ])('%s: %s, %s: %s', (system, dir, file, expected) => {
    expect(leadsOut(dir, file, system === 'win32' ? win32 : posix)).toBe(expected);
  });
});

describe('template files, as systems spell them', () => {
  let dir: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'spelling-'));
  });

  afterEach(() => rm(dir, { recursive: true, force: true }));

  const put = async (files: Record<string, string>): Promise<void> => {
    for (const [name, source] of Object.entries(files)) await writeFile(join(dir, name), source);
  };

  it('one that only letter case tells apart is refused: a system that ignores it would find no languages', async () => {
    await put({ 'letter.hbs': 'a', 'letter.fr.hbs': 'b' });
    const folder = new TemplateFolder(dir);
    expect([...(await folder.languagesOf('letter.hbs')).keys()]).toEqual(['fr']);
    const refused = { code: 'MAILING_TEMPLATE_MISSING', templateUrl: 'Letter.hbs' };
    await expect(folder.languagesOf('Letter.hbs')).rejects.toMatchObject({
      ...refused,
      cause: { message: 'The file is spelled letter.hbs.' },
    });
    // As on a system that ignores letter case: the file can be read by either name.
    const ignoring = new TemplateFolder(dir);
    ignoring.read = (url) => folder.read(url.toLowerCase());
    const info = { templateUrl: 'Letter.hbs', subject: '', from: 'news@shop.example' };
    await expect(new FolderContentReader(ignoring).read(info)).rejects.toMatchObject(refused);
  });

  it('both spellings of an accent are one', () => {
    const [composed, decomposed] = ['caf\u00e9.hbs', 'cafe\u0301.fr.hbs'];
    expect(filesByLanguage([decomposed], composed)).toEqual(new Map([['fr', [decomposed]]]));
  });

  it('two sources of one file are not mixed up in a copy: it is not made', async () => {
    const copies = new TemplateCopyFolder();
    await expect(
      copies.of(
        new Map([
          ['a.pug', '1'],
          ['./a.pug', '2'],
        ]),
        '.pug',
      ),
    ).rejects.toMatchObject({ code: 'EEXIST' });
    await copies.remove();
  });

  it('a path that leads to the folder of the copy itself, or out of it, is refused', async () => {
    const copies = new TemplateCopyFolder();
    for (const file of ['../a.pug', '.', join(dir, 'a.pug')])
      await expect(copies.of(new Map([[file, 'x']]), '.pug')).rejects.toMatchObject({
        code: 'MAILING_TEMPLATE_OUTSIDE_FOLDER',
      });
    expect(await readdir(dir)).toEqual([]);
    await copies.remove();
  });

  it('lines may end as on Windows, also in front matter and text templates', async () => {
    await put({
      'letter.hbs': '---\r\nsubject: Hi {{name}}\r\n---\r\n{{#if name}}\r\n<p>{{name}}</p>\r\n{{/if}}\r\n',
      'letter.text.hbs': '{{#if name}}\r\nDear {{name}}\r\n{{/if}}\r\n',
    });
    await mkdir(join(dir, 'sub'));
    const info = {
      templateUrl: 'letter.hbs',
      altTemplateUrl: 'letter.text.hbs',
      fillFromTemplate: true,
      subject: '',
      from: 'news@shop.example',
    };
    const template = await new HandlebarsRenderer(new TemplateFolder(dir)).open(info);
    expect(template.render({ name: 'Ann' })).toMatchObject({
      subject: 'Hi Ann',
      html: '<p>Ann</p>\r\n',
      text: 'Dear Ann\r\n',
    });
  });
});
