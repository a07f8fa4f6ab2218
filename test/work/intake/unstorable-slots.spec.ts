import {
  MailSlot,
  type ProfileSlotContent,
  RecipientSkippedError,
  type SlotFilling,
  SlotService,
  TemplateEmailPreview,
  NotSerializableError,
} from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import type { DatabaseKind } from '../../support/databases/database-kinds.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';
import { oddRecipients } from '../../support/hosts/odd-recipients.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';
import { refuseRows, type Refusal } from '../../support/databases/refusing-table.js';

const LETTER = '{{#slot "promotion"}}[{{#if title}}{{title}}{{else}}{{this}}{{/if}}]{{else}}EMPTY{{/slot}}';
const TEMPLATES = { templates: { 'letter.hbs': LETTER } };
const THROWS: PropertyDescriptor = {
  enumerable: true,
  get: () => {
    throw new Error('for reader0@home.example only');
  },
};

function nested(levels: number): Record<string, unknown> {
  let inner: Record<string, unknown> = { title: 'at the bottom' };
  for (let n = 1; n < levels; n++) inner = { inner };
  return inner;
}

const shelf = (count: number): { userId: string }[] =>
  ProfileShelf.fill(count, (n) => `reader${n}@home.example`);

const fillingOf = (app: MailingApp): SlotFilling =>
  app.nest.get(SlotService).define('promotion', { persistent: true }).fill('promotion', 'for all');

/** The html that the mail server received, by the number of the recipient. */
async function received(rig: MailingRig): Promise<Record<string, unknown>> {
  const numberOf = (to: string): string => /^reader(\d+)@/.exec(to)![1];
  const pairs = rig.inbox.messages.map(async (one) => [numberOf(one.to[0]), (await one.parsed()).html]);
  return Object.fromEntries(await Promise.all(pairs)) as Record<string, unknown>;
}

/** The stored reasons of the skipped recipients. */
async function skippedOf(app: MailingApp, mailingId: string | null): Promise<(string | null)[][]> {
  const skipped = await app.query.recipients(mailingId as string, { status: 'skipped' });
  return skipped.map(({ userId, errorCode, errorText }) => [userId, errorCode, errorText]);
}

forEachDatabase('content of a slot for one profile', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const boot = () => rig.boot({ profileRepository: ProfileShelf }, TEMPLATES);

  it('that can not be stored skips that profile alone, with the reason and without the value', async () => {
    const app = await boot();
    const odd = oddRecipients().filter(
      ({ isOdd, what }) => isOdd === 'stored' && what !== 'a toJSON that gives a text',
    );
    const list = shelf(odd.length + 3);
    const contents = odd.map(({ entry }, n) => ({
      userId: `p${n}`,
      content: (entry as { data: unknown }).data,
    }));
    const unreadable = Object.defineProperty({ userId: `p${odd.length}` }, 'content', THROWS);
    const filling = fillingOf(app)
      .fillEach('promotion', [...contents, unreadable as ProfileSlotContent])
      .fillFor(`p${odd.length + 1}`, 'promotion', { title: 'tea' });
    const info = { ...INFO, slots: filling };
    const { mailingId, completed } = await app.sender.sendEmailMessage(info, list, { persist: true });
    expect(await completed).toMatchObject({ status: 'completed', numSent: 2, numErrors: 0 });
    expect(await received(rig)).toEqual({ [odd.length + 1]: '[tea]', [odd.length + 2]: '[for all]' });
    const says = odd.map((one) => one.says.replace(/^data/, 'slots.promotion'));
    const skipped = await skippedOf(app, mailingId);
    expect(skipped.map(([userId, code]) => [userId, code])).toEqual(
      list.slice(0, odd.length + 1).map(({ userId }) => [userId, 'invalid_slot_content']),
    );
    [...says, "Reading this profile's own content of slots.promotion throws."].forEach((words, n) =>
      expect(skipped[n][2]).toContain(words),
    );
    expect(JSON.stringify(skipped)).not.toContain('@');
    expect(await app.query.reasons(mailingId as string)).toContainEqual({
      status: 'skipped',
      code: 'invalid_slot_content',
      count: odd.length + 1,
    });
    assertProgressAddsUp(await rig.progress(mailingId as string));
  });

  it('that is 31 levels deep skips that profile, and three others are sent', async () => {
    const app = await boot();
    const filling = fillingOf(app).fillFor('p1', 'promotion', nested(31));
    const info = { ...INFO, slots: filling };
    const { mailingId, completed } = await app.sender.sendEmailMessage(info, shelf(4), { persist: true });
    expect(await completed).toMatchObject({ status: 'completed', numProfiles: 4, numSent: 3, numSkipped: 1 });
    expect(await received(rig)).toEqual({ 0: '[for all]', 2: '[for all]', 3: '[for all]' });
    expect(await skippedOf(app, mailingId)).toEqual([
      ['p1', 'invalid_slot_content', expect.stringMatching(/ is a value more than 25 levels deep\.$/)],
    ]);
  });

  it('that is cut in the middle of an emoji is sent with U+FFFD in place of the half', async () => {
    const app = await boot();
    const filling = fillingOf(app)
      .fillFor('p0', 'promotion', 'x\ud83d')
      .fillFor('p1', 'promotion', { title: '\ude00y', 'key\ud83d': 1 });
    const info = { ...INFO, slots: filling };
    const { completed } = await app.sender.sendEmailMessage(info, shelf(3), { persist: true });
    expect(await completed).toMatchObject({ status: 'completed', numSent: 3, numSkipped: 0 });
    expect(await received(rig)).toEqual({ 0: '[x\ufffd]', 1: '[\ufffdy]', 2: '[for all]' });
  });

  it('that is given twice counts the first time, whichever of the two can not be stored', async () => {
    const app = await boot();
    const twice: ProfileSlotContent[] = [
      { userId: 'p0', content: NaN },
      { userId: 'p0', content: 'the second' },
      { userId: 'p1', content: 'the first' },
      { userId: 'p1', content: NaN },
    ];
    const filling = fillingOf(app).fillEach('promotion', twice).fillFor('p0', 'promotion', 'the third');
    for (const persist of [true, false]) {
      rig.inbox.messages.length = 0;
      const how = { persist, runInSeparateThread: false };
      const { completed } = await app.sender.sendEmailMessage({ ...INFO, slots: filling }, shelf(2), how);
      expect(await completed).toMatchObject({ numSent: 1, numSkipped: 1 });
      expect(await received(rig)).toEqual({ 1: '[the first]' });
    }
  });

  it('that can not be stored skips the profile on another server, too, where the slot is not defined', async () => {
    const first = await rig.boot({ profileRepository: ProfileShelf, uniqServerId: 'shop:1' }, TEMPLATES);
    const list = shelf(40);
    const contents = list.map(({ userId }, n) => ({ userId, content: n % 4 === 0 ? 1n : { title: userId } }));
    const filling = fillingOf(first).fillEach('promotion', contents);
    const info = { ...INFO, slots: filling, batched: true, batchSize: 7 };
    const { mailingId } = await first.sender.sendEmailMessage(info, list, { persist: true });
    await first.close();
    await rig.boot(
      {
        profileRepository: ProfileShelf,
        uniqServerId: 'shop:2',
        enabledAsTemplateMailServer: true,
        batch: { pollIntervalMs: 100 },
      },
      TEMPLATES,
    );
    expect(await rig.reached(mailingId as string, 'completed')).toMatchObject({
      numSent: 30,
      numSkipped: 10,
    });
    const sent = list.flatMap(({ userId }, n) => (n % 4 === 0 ? [] : [[n, `[${userId}]`]]));
    expect(await received(rig)).toEqual(Object.fromEntries(sent));
    assertProgressAddsUp(await rig.progress(mailingId as string));
  });

  it('leaves its address to another profile that has the same one', async () => {
    const app = await boot();
    const list = ProfileShelf.fill(2, () => 'reader0@home.example');
    const filling = fillingOf(app).fillFor('p0', 'promotion', nested(26));
    const info = { ...INFO, slots: filling };
    const { mailingId } = await app.sender.sendEmailMessage(info, list, {
      persist: true,
      runInSeparateThread: false,
    });
    expect(await received(rig)).toEqual({ 0: '[for all]' });
    expect(await skippedOf(app, mailingId)).toMatchObject([['p0', 'invalid_slot_content', {}]]);
  });
});

/** The content of a slot for all recipients, as an expression over the row. */
const SHOWN: Record<DatabaseKind, string> = {
  mariadb: "JSON_VALUE(content, '$.is')",
  mysql: "content->>'$.is'",
  sqlite: "content->>'$.is'",
  postgres: "content->>'is'",
};

forEachDatabase('content of a slot that the database refuses', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const refuse = (column: string, value: string, how: Refusal['how']) =>
    refuseRows(rig.database.dataSource, kind, { table: 'dps_mail_slot', column, value, how });

  it.each<[what: string, column: string, value: string, how: Refusal['how']]>([
    ['for its id, with an error', 'user_id', 'p3', 'fails'],
    ['for its id, without an error', 'user_id', 'p3', 'drops'],
    ['for its content, without an error', SHOWN[kind], 'tea 3', 'drops'],
  ])('skips that profile alone: %s', async (_, column, value, how) => {
    const run = { concurrency: 2, maxInDoubt: 2 };
    const app = await rig.boot({ profileRepository: ProfileShelf, run }, TEMPLATES);
    await refuse(column, value, how);
    const list = shelf(9);
    // For one profile another slot is refused as well, and a second content comes too late.
    const own = list.map(({ userId }, n) => ({ userId, content: `tea ${n}` }));
    const filling = fillingOf(app)
      .fillEach('promotion', own)
      .fillFor('p3', 'promotion', 'coffee')
      .fillFor('p8', 'promotion', 'coffee');
    const { mailingId, completed } = await app.sender.sendEmailMessage({ ...INFO, slots: filling }, list, {
      persist: true,
    });
    expect(await completed).toMatchObject({ status: 'completed', numSent: 8, numSkipped: 1 });
    expect(await skippedOf(app, mailingId)).toEqual([
      [
        'p3',
        'invalid_slot_content',
        "The database refuses to store this profile's own content of slots.promotion.",
      ],
    ]);
    const others = [0, 1, 2, 4, 5, 6, 7, 8].map((n) => [n, `[tea ${n}]`]);
    expect(await received(rig)).toEqual(Object.fromEntries(others));
    assertProgressAddsUp(await rig.progress(mailingId as string));
  });

  it('for all recipients refuses the mailing', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf }, TEMPLATES);
    await refuse(SHOWN[kind], 'for all', 'drops');
    const slots = fillingOf(app).fillFor('p1', 'promotion', 'tea');
    const sending = app.sender.sendEmailMessage({ ...INFO, slots }, shelf(3), { persist: true });
    await expect(sending).rejects.toMatchObject({ code: 'MAILING_SLOT_CONTENT', shownTo: 'all recipients' });
    expect(rig.inbox.messages).toEqual([]);
  });

  it('skips each such profile alone, also where it is refused in more than one slot and chunk', async () => {
    const templates = { 'letter.hbs': '{{slot "promotion"}} {{slot "news"}}' };
    const app = await rig.boot({ profileRepository: ProfileShelf }, { templates });
    await refuse('user_id', 'p1', 'fails');
    const slots = fillingOf(app);
    app.nest.get(SlotService).define('news', { persistent: true });
    // More than one chunk of any database.
    const own = Array.from({ length: 2_500 }, (_, n) => ({ userId: `p${n}`, content: `own ${n}` }));
    slots.fillEach('promotion', own).fillEach('news', own);
    const info = { ...INFO, slots };
    const { completed } = await app.sender.sendEmailMessage(info, shelf(3), { persist: true });
    expect(await completed).toMatchObject({ status: 'completed', numSent: 2, numSkipped: 1 });
    expect(await received(rig)).toEqual({ 0: 'own 0 own 0', 2: 'own 2 own 2' });
    expect(await rig.database.dataSource.getRepository(MailSlot).count()).toBe(2 * 2_499 + 1 + 2);
  });
});

describe('content of a slot for one profile, where nothing is stored', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it.each([true, false])('skips the profile as well, in the background: %s', async (thread) => {
    const app = await rig.boot({ profileRepository: ProfileShelf }, TEMPLATES);
    const unreadable = Object.defineProperty({ userId: 'p2' }, 'content', THROWS);
    const filling = fillingOf(app)
      .fillFor('p0', 'promotion', nested(26))
      .fillFor('p1', 'promotion', Object.defineProperty({}, 'title', THROWS))
      .fillEach('promotion', [unreadable as ProfileSlotContent]);
    const settled: unknown[] = [];
    app.events.on('recipient:settled', ({ idx, status, code }) => settled.push([idx, status, code]));
    const { completed } = await app.sender.sendEmailMessage(
      { ...INFO, slots: filling },
      shelf(4),
      thread,
      false,
    );
    expect(await completed).toMatchObject({ status: 'completed', numSent: 1, numSkipped: 3 });
    expect(await received(rig)).toEqual({ 3: '[for all]' });
    expect(settled).toEqual([
      [0, 'skipped', 'invalid_slot_content'],
      [1, 'skipped', 'invalid_slot_content'],
      [2, 'skipped', 'invalid_slot_content'],
      [3, 'sent', null],
    ]);
  });

  it('is counted by a preview, which shows no message of it', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf }, TEMPLATES);
    const previews = app.nest.get(TemplateEmailPreview);
    const list = shelf(4);
    const info = { ...INFO, slots: fillingOf(app).fillFor('p1', 'promotion', nested(26)) };
    expect(await previews.dryRun(info, list)).toEqual({
      numRecipients: 4,
      numMessages: 3,
      skipped: { invalid_slot_content: 1 },
      failed: {},
    });
    await expect(previews.preview(info, list[1])).rejects.toThrow(RecipientSkippedError);
    expect((await previews.preview(info, list[2])).html).toBe('[for all]');
  });

  it('may be any value that can be read where the slot is not persistent', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf }, TEMPLATES);
    const slots = app.nest.get(SlotService).define('promotion', { persistent: false });
    const unreadable = Object.defineProperty({ userId: 'p1' }, 'content', THROWS) as ProfileSlotContent;
    const contents = [{ userId: 'p0', content: { title: 7n } }, unreadable];
    const filling = slots.fill('promotion', 'for all').fillEach('promotion', contents);
    await app.sender.sendEmailMessage({ ...INFO, slots: filling }, shelf(3), false, false);
    expect(await received(rig)).toEqual({ 0: '[7]', 2: '[for all]' });
  });

  it('for all recipients is refused at once, persisted or not', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf }, TEMPLATES);
    const info = { ...INFO, slots: fillingOf(app).fill('promotion', nested(26)) };
    for (const persist of [true, false]) {
      const refused = app.sender.sendEmailMessage(info, shelf(1), true, persist);
      await expect(refused).rejects.toThrow(NotSerializableError);
      await expect(refused).rejects.toThrow(/Give plain values, or define the slot with persistent false\.$/);
    }
    await expect(app.nest.get(TemplateEmailPreview).dryRun(info, shelf(1))).rejects.toThrow(
      NotSerializableError,
    );
    expect(await app.query.list()).toEqual([]);
  });
});
