import { setImmediate as turn } from 'node:timers/promises';
import { PugAdapter } from '@nestjs-modules/mailer/adapters/pug.adapter';
import {
  Mailing,
  MailerAdapterRenderer,
  type Recipient,
  type TemplateEmailRequest,
  TemplateEmailPreview,
  type TemplateHelper,
} from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';
import { UnhandledRejections } from '../../support/unhandled-rejections.js';

const FRONT_MATTER =
  '---\nsubject: "Hello {{#if vip}}{{greeting}}{{/if}}"\nfrom: "{{shop}} <news@shop.example>"\n---\n';
const TEMPLATES = {
  'letter.hbs': '<p>Dear {{name}}{{#if vip}}, {{greeting}}{{/if}}</p>',
  'letter.txt.hbs': 'Dear {{name}}{{#if vip}}, {{greeting}}{{/if}}',
  'plain.hbs': '<p>Dear {{name}}</p>',
  'filled.hbs': `${FRONT_MATTER}<p>Dear {{name}}</p>`,
  'called.hbs': '<p>{{greeting}}</p>',
};
/** The third of five recipients has a value that is no text. */
const LIST: Recipient[] = Array.from({ length: 5 }, (_, n) => ({
  email: `reader${n}@home.example`,
  name: `Reader ${n}`,
  data: { vip: n === 2, shop: 'The Shop' },
}));
const late: TemplateHelper = async () => {
  await turn();
  throw new Error('no greeting');
};

forEachDatabase('a template that prints a value that is no text', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const boot = (greeting: TemplateHelper): Promise<MailingApp> =>
    rig.boot({}, { templates: TEMPLATES, helpers: { greeting } });

  const cases: [string, TemplateHelper, string][] = [
    [
      'a helper that is async',
      late,
      'helper greeting: expected a value that is there at once, got a promise',
    ],
    ['an object', () => ({ text: 'Hi' }), '{{greeting}}: expected a text, got an object'],
  ];

  it.each(cases)(
    '%s fails the recipient that would read it, in every part of a message',
    async (_, greeting, why) => {
      using unhandled = new UnhandledRejections();
      const app = await boot(greeting);
      const parts: TemplateEmailRequest[] = [
        { ...INFO, sendAsText: false },
        { ...INFO, templateUrl: 'plain.hbs', altTemplateUrl: 'letter.txt.hbs' },
        { ...INFO, templateUrl: 'plain.hbs', subject: 'Hello {{#if vip}}{{greeting}}{{/if}}' },
        { templateUrl: 'filled.hbs', fillFromTemplate: true },
      ];
      for (const info of parts) {
        rig.inbox.messages.length = 0;
        const { completed, mailingId } = await app.sender.sendEmailMessage(info, LIST, { persist: true });
        expect(await completed).toMatchObject({ numSent: 4, numErrors: 1 });
        const { recipients } = await rig.progress(mailingId as string);
        expect(recipients[2]).toMatchObject({ status: 'error', errorCode: 'template' });
        expect(recipients[2].errorText).toContain(why);
        const raw = rig.inbox.messages.map((message) => message.raw.toString()).join();
        expect(raw).not.toContain('[object');
        expect(rig.inbox.messages).toHaveLength(4);
      }
      await turn();
      expect(unhandled.reasons).toEqual([]);
    },
  );

  it.each(cases)(
    '%s is refused before anything is written where the first rendering shows it',
    async (_, greeting, why) => {
      const app = await boot(greeting);
      const refused: TemplateEmailRequest[] = [
        { ...INFO, templateUrl: 'called.hbs' },
        { ...INFO, templateUrl: 'plain.hbs', altTemplateUrl: 'called.hbs' },
        { ...INFO, templateUrl: 'plain.hbs', subject: 'Hello {{greeting}}' },
      ];
      for (const info of refused) {
        for (const persist of [true, false]) {
          const sending = app.sender.sendEmailMessage(info, LIST, { persist });
          await expect(sending).rejects.toMatchObject({ code: 'MAILING_TEMPLATE_NOT_COMPILING' });
          await expect(app.sender.sendEmailMessage(info, LIST, { persist })).rejects.toThrow(why);
        }
      }
      expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(0);
      expect(rig.inbox.messages).toHaveLength(0);
    },
  );
});

describe('a param, datum or slot of the host that is no text', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('fails the recipients that would read it, unless it has a text form of its own', async () => {
    const app = await rig.boot({}, { templates: { 'letter.hbs': '<p>{{thing}} {{other}}</p>' } });
    class Money {
      toString(): string {
        return '12.50';
      }
    }
    const things: [unknown, string | null][] = [
      [{ a: 1 }, '{{thing}}: expected a text, got an object'],
      [[{ a: 1 }], '{{thing}}: expected a text, got an array'],
      [Promise.resolve('late'), '{{thing}}: expected a value that is there at once, got a promise'],
      [new Map(), '[object Map]'],
      [new Money(), null],
      [[1, 2], null],
      [0, null],
      [null, null],
    ];
    const list = things.map(([thing], n) => ({ email: `reader${n}@home.example`, data: { thing } }));
    const { completed } = await app.sender.sendEmailMessage(
      { ...INFO, params: { other: new Money() } },
      list,
    );
    expect(await completed).toMatchObject({ numSent: 4, numErrors: 4 });
    const texts = await Promise.all(rig.inbox.messages.map(async (one) => (await one.parsed()).text?.trim()));
    expect(new Set(texts)).toEqual(new Set(['0 12.50', '1,2 12.50', '12.50', '12.50 12.50']));
    const previews = app.nest.get(TemplateEmailPreview);
    for (const [n, [thing, why]] of things.entries()) {
      const preview = previews.preview(INFO, { email: `reader${n}@home.example`, data: { thing } });
      const failure = await preview.then(
        () => null,
        (error: Error) => error.message,
      );
      expect(failure === null).toBe(why === null);
      expect(failure ?? '').toContain(why ?? '');
    }
  });

  it('is refused in params where the first rendering shows it', async () => {
    const app = await rig.boot({}, { templates: { 'letter.hbs': '<p>{{shop}}</p>' } });
    for (const shop of [{ name: 'x' }, Promise.resolve('x')]) {
      const info = { ...INFO, params: { shop } };
      await expect(app.sender.sendEmailMessage(info, LIST)).rejects.toMatchObject({
        code: 'MAILING_TEMPLATE_NOT_COMPILING',
      });
    }
  });

  it('is an error in subjects beside the engine of a mailer’s adapter', async () => {
    const app = await rig.boot(
      { renderer: MailerAdapterRenderer },
      {
        templates: { 'letter.pug': 'p= name' },
        helpers: { greeting: late },
        mailer: { template: { adapter: new PugAdapter() } },
      },
    );
    const info = { ...INFO, templateUrl: 'letter.pug', subject: 'Hello {{#if vip}}{{greeting}}{{/if}}' };
    const { completed } = await app.sender.sendEmailMessage(info, LIST);
    expect(await completed).toMatchObject({ numSent: 4, numErrors: 1 });
    const called = { ...info, subject: '{{greeting}}' };
    await expect(app.sender.sendEmailMessage(called, LIST)).rejects.toThrow('helper greeting');
  });
});
