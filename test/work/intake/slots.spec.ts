import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import {
  InvalidArgumentError,
  Mailing,
  MailSlot,
  type ProfileRepository,
  type ProfileSlotContent,
  type RecipientProfile,
  SlotDefinitionError,
  SlotNameNotLiteralError,
  SlotNotPersistentError,
  SlotService,
  SlotUnknownError,
  TemplateNotCompilingError,
  NotSerializableError,
} from 'nestjs-mailing';
import { SimpleConsoleLogger } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';

const SLOT = '{{#slot "promotion"}}[{{@index}} {{title}} for {{../email}}]{{else}}none{{/slot}}';

@Injectable()
class Profiles implements ProfileRepository {
  /** One for each commit. */
  static queries = 0;

  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    Profiles.queries++;
    return new Map(ids.map((id) => [id, { email: `${id}@home.example` }]));
  }
}

const slotsOf = (app: MailingApp): SlotService => app.nest.get(SlotService);

/** The html that the mail server received, by recipient. */
async function received(rig: MailingRig): Promise<Record<string, unknown>> {
  const pairs = rig.inbox.messages.map(async (one) => [one.to[0].split('@')[0], (await one.parsed()).html]);
  return Object.fromEntries(await Promise.all(pairs)) as Record<string, unknown>;
}

forEachDatabase('slots', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const boot = (letter = SLOT): Promise<MailingApp> =>
    rig.boot({ profileRepository: Profiles }, { templates: { 'letter.hbs': letter } });

  it('show the content for all, the content for single profiles, and that there is none', async () => {
    const app = await boot();
    const slots = slotsOf(app).define('promotion', { persistent: true });
    const filling = slots
      .fill('promotion', [{ title: 'cake' }, { title: 'tea' }])
      .fillFor('ann', 'promotion', { title: 'a <hat>' })
      .fillFor('ann', 'promotion', { title: 'the second does not count' })
      .fillFor('bob', 'promotion', []);
    const list = [{ userId: 'ann' }, { userId: 'bob' }, { userId: 'zoe' }, 'eve@home.example'];
    const how = { persist: true, runInSeparateThread: false };
    const { completed } = await app.sender.sendEmailMessage({ ...INFO, slots: filling }, list, how);
    expect(await completed).toMatchObject({ status: 'completed', numSent: 4 });
    expect(await received(rig)).toEqual({
      ann: '[0 a &lt;hat&gt; for ann@home.example]',
      bob: 'none',
      zoe: '[0 cake for zoe@home.example][1 tea for zoe@home.example]',
      eve: '[0 cake for eve@home.example][1 tea for eve@home.example]',
    });
  });

  it.each([true, false])('are filled for numeric ids as lists are, persisted: %s', async (persist) => {
    const app = await boot();
    const slots = slotsOf(app).define('promotion', { persistent: true });
    const contents = [
      { userId: 8n, content: { title: 'tea' } },
      { userId: '8', content: { title: 'the second does not count' } },
      { userId: '9', content: { title: 'pie' } },
    ];
    const filling = slots.fillFor(7, 'promotion', { title: 'cake' }).fillEach('promotion', contents);
    const list = [{ userId: 7 }, { userId: '8' }, { userId: 9n }];
    await app.sender.sendEmailMessage({ ...INFO, slots: filling }, list, false, persist);
    expect(await received(rig)).toEqual({
      7: '[0 cake for 7@home.example]',
      8: '[0 tea for 8@home.example]',
      9: '[0 pie for 9@home.example]',
    });
  });

  it('are refused for invalid ids', async () => {
    const app = await boot();
    const slots = slotsOf(app).define('promotion', { persistent: true });
    for (const userId of ['', 2 ** 53, 1.5, null, 'x'.repeat(256)]) {
      expect(() => slots.fillFor(userId as string, 'promotion', 'cake')).toThrow(InvalidArgumentError);
      const contents = [{ userId: userId as string, content: 'cake' }];
      const info = { ...INFO, slots: slots.fillEach('promotion', contents) };
      for (const persist of [true, false]) {
        const refused = app.sender.sendEmailMessage(info, [{ userId: 'ann' }], true, persist);
        await expect(refused).rejects.toMatchObject({
          code: 'MAILING_SLOT_CONTENT',
          slot: 'promotion',
          shownTo: 'one profile',
        });
      }
    }
    expect(rig.inbox.messages).toEqual([]);
  });

  it('are read once for each commit, and written in chunks from a source of any length', async () => {
    const statements: string[] = [];
    const logQuery = (sql: string): void => void statements.push(sql);
    const logger = Object.assign(new SimpleConsoleLogger(false), { logQuery });
    const mailing = { profileRepository: Profiles, run: { concurrency: 20, maxInDoubt: 40 } };
    const templates = { 'letter.hbs': SLOT };
    const app = await rig.boot(mailing, { templates, dataSource: { logging: true, logger } });
    const slots = slotsOf(app).define('promotion', { persistent: true });
    async function* contents(): AsyncGenerator<ProfileSlotContent> {
      for (let n = 0; n < 2_500; n++) yield { userId: `c${n}`, content: [{ title: n }] };
    }
    const filling = slots.fillEach('promotion', contents());
    Profiles.queries = 0;
    const list = Array.from({ length: 200 }, (_, n) => ({ userId: `c${n}` }));
    const info = { ...INFO, slots: filling };
    const { mailingId } = await app.sender.sendEmailMessage(info, list, { persist: true });
    await rig.reached(mailingId as string, 'completed');
    expect(await rig.database.dataSource.getRepository(MailSlot).count()).toBe(2_500);
    expect((await received(rig)).c199).toBe('[0 199 for c199@home.example]');
    const about = (words: RegExp): number => statements.filter((sql) => words.test(sql)).length;
    expect(about(/SELECT slot.*dps_mail_slot/s)).toBe(Profiles.queries);
    expect(Profiles.queries).toBeLessThan(100);
    expect(about(/INSERT.*dps_mail_slot/s)).toBeLessThanOrEqual(6);
  });

  it('are shown in batches on any server, as text, number or object', async () => {
    const letter =
      '{{#slot "promotion"}}<b>{{this}}</b>{{/slot}} {{#if (slot "count")}}{{slot "count"}}{{/if}}';
    const batch = { emailsPerBatch: 3, pollIntervalMs: 20 };
    const mailing = { enabledAsTemplateMailServer: true, batch };
    const app = await rig.boot(mailing, { templates: { 'letter.hbs': letter } });
    slotsOf(app).define('promotion', { persistent: true }).define('count', { persistent: true });
    const info = { ...INFO, batched: true, slots: { promotion: 'A "cake"', count: 7 } };
    const { mailingId } = await app.sender.sendEmailMessage(info, people(10), { persist: true });
    await rig.reached(mailingId as string, 'completed');
    const html = Object.values(await received(rig));
    expect(html).toEqual(Array.from({ length: 10 }, () => '<b>A &quot;cake&quot;</b> 7'));
  });

  it('show the content at the time of the call, whatever the caller changes later', async () => {
    const app = await boot();
    slotsOf(app).define('promotion', { persistent: true });
    const content = [{ title: 'cake' }];
    const sending = app.sender.sendEmailMessage(
      { ...INFO, slots: { promotion: content } },
      people(1),
      true,
      true,
    );
    content[0].title = 'dust';
    content.push({ title: 'ashes' });
    const { mailingId } = await sending;
    await rig.reached(mailingId as string, 'completed');
    expect(await received(rig)).toEqual({ reader0: '[0 cake for reader0@home.example]' });
  });

  it.each([
    { how: [true, true], because: 'persist' },
    { how: [false, true], because: 'persist' },
    { how: [true, false], because: 'runInSeparateThread' },
  ] as const)(
    'that are not persistent refuse a mailing with $how before anything is written',
    async ({ how, because }) => {
      const app = await boot();
      slotsOf(app).define('promotion', { persistent: false });
      const info = { ...INFO, slots: { promotion: [{ title: 'cake', live: () => 'no JSON' }] } };
      const refused = await app.sender
        .sendEmailMessage(info, people(1), ...how)
        .catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(SlotNotPersistentError);
      expect(refused).toMatchObject({ slot: 'promotion', templateUrl: 'letter.hbs', because });
      expect((refused as Error).message).toContain('define("promotion", { persistent: true })');
      expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(0);
      expect(rig.inbox.messages).toEqual([]);
    },
  );

  it('that can not be stored, known or rendered refuse the mailing before anything is written', async () => {
    const app = await boot();
    const slots = slotsOf(app);
    const send = (content: unknown): Promise<unknown> => {
      const info = { ...INFO, slots: { promotion: content } };
      return app.sender.sendEmailMessage(info, people(1), true, true).catch((error: unknown) => error);
    };
    expect(
      await app.sender.sendEmailMessage(INFO, people(1), true, true).catch((error: unknown) => error),
    ).toMatchObject({
      constructor: SlotUnknownError,
      slot: 'promotion',
      templateUrl: 'letter.hbs',
    });
    expect(await send([])).toMatchObject({ constructor: SlotUnknownError, templateUrl: null });
    expect(() => slots.fill('promotion', [])).toThrow(SlotUnknownError);
    slots.define('promotion', { persistent: true }).define('promotion', { persistent: true });
    expect(() => slots.define('promotion', { persistent: false })).toThrow(SlotDefinitionError);
    expect(await send([{ title: 1n }])).toMatchObject({
      constructor: NotSerializableError,
      path: 'slots.promotion[0].title',
    });
    await writeFile(join(app.templateDir, 'letter.hbs'), '{{#slot "promotion"}}{{mangle title}}{{/slot}}');
    expect(await send([{ title: 'cake' }])).toBeInstanceOf(TemplateNotCompilingError);
    await writeFile(join(app.templateDir, 'letter.hbs'), '{{#slot name}}x{{/slot}}');
    expect(await send([])).toMatchObject({ constructor: SlotNameNotLiteralError, line: 1 });
    expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(0);
  });

  it('for profiles that fail half-way leave a failed mailing that sends nothing', async () => {
    const app = await boot();
    const slots = slotsOf(app).define('promotion', { persistent: true });
    function* contents(): Generator<ProfileSlotContent> {
      yield { userId: 'ann', content: 'cake' };
      throw new Error('the shop is closed');
    }
    const info = { ...INFO, slots: slots.fillEach('promotion', contents()) };
    await expect(app.sender.sendEmailMessage(info, [{ userId: 'ann' }], true, true)).rejects.toThrow(
      'the shop is closed',
    );
    expect((await rig.database.dataSource.getRepository(Mailing).find()).map(({ status }) => status)).toEqual(
      ['failed'],
    );
    expect(rig.inbox.messages).toEqual([]);
  });
});

describe('slots of a mailing that is not persisted', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const boot = (): Promise<MailingApp> =>
    rig.boot({ profileRepository: Profiles }, { templates: { 'letter.hbs': SLOT } });

  it('may hold any value in the foreground', async () => {
    const app = await boot();
    const slots = slotsOf(app).define('promotion', { persistent: false });
    class Live {
      title = () => 'live cake';
    }
    const info = { ...INFO, slots: slots.fill('promotion', [new Live()]) };
    await app.sender.sendEmailMessage(info, people(1), false, false);
    expect(await received(rig)).toEqual({ reader0: '[0 live cake for reader0@home.example]' });
  });

  it('are shown by profile in the background, too', async () => {
    const app = await boot();
    const slots = slotsOf(app).define('promotion', { persistent: true });
    const filling = slots.fillFor('ann', 'promotion', { title: 'hat' }).fill('promotion', { title: 'cake' });
    const list = [{ userId: 'ann' }, { userId: 'bob' }];
    const { completed } = await app.sender.sendEmailMessage({ ...INFO, slots: filling }, list, true, false);
    expect(await completed).toMatchObject({ status: 'completed', numSent: 2 });
    expect(await received(rig)).toEqual({
      ann: '[0 hat for ann@home.example]',
      bob: '[0 cake for bob@home.example]',
    });
    expect(await rig.database.dataSource.getRepository(MailSlot).count()).toBe(0);
  });
});
