import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { MailerOptions } from '@nestjs-modules/mailer';
import { HandlebarsAdapter } from '@nestjs-modules/mailer/adapters/handlebars.adapter';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AdapterEngine } from '../../libs/mailing/src/delivery/adapters/adapter.engine.js';
import { TemplateCopyFolder } from '../../libs/mailing/src/delivery/templates/template-copy.folder.js';

/** Absolute on every system. */
const [DIR, COPY, OTHER] = ['templates', 'copy', 'other'].map((name) => resolve('/', name));

type Adapter = NonNullable<NonNullable<MailerOptions['template']>['adapter']>;
type Compile = (
  mail: { data: Record<string, unknown> },
  done: (error?: unknown, body?: string) => void,
) => unknown;

describe('AdapterEngine', () => {
  const engine = (compile: Compile, timeoutMs?: number): AdapterEngine =>
    new AdapterEngine({ template: { adapter: { compile } as Adapter } }, DIR, COPY, timeoutMs);

  it.each<[string, Compile]>([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
    ['answers with an error', (_, done) => done(new Error('broken'))],
    ['answers with a text as its error', (_, done) => done('broken')],
    [
      'answers with an error, and once more without',
      (_, done) => {
        done(new Error('broken'));
        done(undefined, 'html');
      },
    ],
    [
      'answers with an error and then throws',
      (_, done) => {
        done(new Error('broken'));
        throw new Error('again');
      },
    ],
  ])('fails for one recipient if the adapter %s', async (_, compile) => {
    await expect(engine(compile).render('letter.pug', {})).rejects.toThrow('broken');
  });

  it('fails after a timeout if the adapter never answers', async () => {
    await expect(engine(() => undefined, 50).render('letter.pug', {})).rejects.toThrow(
      'no answer within 50 ms',
    );
  });

  it('does not keep a process alive by its timeout', () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
    const before = timers();
    void engine(() => undefined)
      .render('letter.pug', {})
      .catch(() => undefined);
    expect(timers()).toBe(before);
  });

  it('uses an adapter of the host as it is, even with the name of one of the mailer', async () => {
    const named = (name: string): Adapter => {
      const compile: Compile = ({ data }, done) => done(undefined, `${name} ${String(data.template)}`);
      // As in a class of the host: on its prototype.
      const adapter = { [name]: class {} }[name];
      Object.assign(adapter.prototype, { compile });
      return Object.assign(new adapter(), { engine: { compile } }) as unknown as Adapter;
    };
    for (const name of ['PugAdapter', 'EjsAdapter', 'LiquidAdapter', 'MjmlAdapter']) {
      const host = new AdapterEngine({ template: { adapter: named(name) } }, DIR, COPY);
      expect(await host.render('letter.fr.pug', {})).toBe(`${name} ${join(COPY, 'letter.fr.pug')}`);
    }
  });

  it('fails if the adapter answers without html', async () => {
    await expect(engine((_, done) => done()).render('letter.pug', {})).rejects.toThrow('no html');
  });

  it('passes the path of the copy, and a copy of the variables for each recipient', async () => {
    const seen: unknown[] = [];
    const variables = { name: 'Ann' };
    const compile: Compile = ({ data }, done) => {
      seen.push(data.template);
      Object.assign(data.context as object, { name: 'spoilt' });
      done(undefined, 'html');
    };
    expect(await engine(compile).render('a/letter.pug', variables)).toBe('html');
    expect([seen, variables]).toEqual([[join(COPY, 'a/letter.pug')], { name: 'Ann' }]);
  });

  it('C18 keeps concurrently rendered messages apart', async () => {
    const slow = engine(async ({ data }, done) => {
      await turn();
      data.html = `Dear ${String((data.context as { name: string }).name)}`;
      await turn();
      done();
    });
    const names = Array.from({ length: 8 }, (_, n) => `reader ${n}`);
    const all = await Promise.all(names.map((name) => slow.render('letter.pug', { name })));
    expect(all).toEqual(names.map((name) => `Dear ${name}`));
  });

  it('replaces engine folders inside of the template folder by the copy, and no others', async () => {
    const filters = { shout: (text: string) => text };
    const options = {
      basedir: DIR,
      views: [join(DIR, 'parts'), OTHER],
      name: 'templates',
      filters,
    };
    let seen: unknown;
    const adapter = {
      compile: (_: unknown, done: (error?: unknown, body?: string) => void, given: MailerOptions) => {
        seen = given.template?.options;
        done(undefined, 'html');
      },
    };
    await new AdapterEngine({ template: { adapter, options } }, DIR, COPY).render('a.pug', {});
    expect(seen).toEqual({ basedir: COPY, views: [join(COPY, 'parts'), OTHER], name: 'templates', filters });
    expect(options.basedir).toBe(DIR);
  });
});

describe('TemplateCopyFolder', () => {
  let copies: TemplateCopyFolder;
  let dir: string;
  beforeEach(async () => {
    copies = new TemplateCopyFolder();
    dir = await mkdtemp(join(tmpdir(), 'mailing-templates-'));
  });
  afterEach(async () => {
    await copies.remove();
    await rm(dir, { recursive: true });
  });
  const letter = (source: string) => new Map([['a/letter.hbs', source]]);

  it('C9 gives each version of a template a path of its own, for adapters that cache by path', async () => {
    const options = {
      template: { dir, adapter: new HandlebarsAdapter(undefined, { inlineCssEnabled: false }) },
    };
    const htmlOf = async (source: string) =>
      new AdapterEngine(options, dir, await copies.of(letter(source), '.hbs')).render('a/letter.hbs', {
        name: 'Ann',
      });
    expect(await htmlOf('old {{name}}')).toBe('old Ann');
    expect(await htmlOf('new {{name}}')).toBe('new Ann');
    expect(await htmlOf('old {{name}}')).toBe('old Ann');
  });

  it('makes one copy for the same sources, makes it again after it was deleted, and removes it at the end', async () => {
    const first = await copies.of(letter('old'), '.hbs');
    expect(await copies.of(letter('old'), '.hbs')).toBe(first);
    await rm(join(first, 'a'), { recursive: true });
    const second = await copies.of(letter('old'), '.hbs');
    expect(await readFile(join(second, 'a/letter.hbs'), 'utf8')).toBe('old');
    await copies.remove();
    await expect(stat(second)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('writes nothing outside of its folder, whatever the template names', async () => {
    await expect(copies.of(new Map([['../outside.pug', 'p']]), '.pug')).rejects.toMatchObject({
      code: 'MAILING_TEMPLATE_OUTSIDE_FOLDER',
    });
  });
});
