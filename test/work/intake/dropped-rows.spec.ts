import { createHash } from 'node:crypto';
import { Mailing, MailingSuppressions, SlotService } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { forEachDatabase, forEachInnoDb } from '../../support/databases/for-each-database.js';
import { LETTER } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';
import { refuseRows, type Refusal } from '../../support/databases/refusing-table.js';

/** A second row beside the refused one: for a single one MySQL and MariaDB report an error instead of a warning. */
forEachDatabase('a row that the database drops', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const refuse = (table: string, column: string, value: string, how: Refusal['how'] = 'drops') =>
    refuseRows(rig.database.dataSource, kind, { table, column, value, how });

  it('of a slot for all recipients is an error that names the slot', async () => {
    const app = await rig.boot({}, { templates: { 'letter.hbs': '{{slot "promotion"}}' } });
    await refuse('dps_mail_slot', 'user_id', '');
    const slots = app.nest.get(SlotService).define('promotion', { persistent: true });
    const filling = slots.fill('promotion', 'cake').fillFor('p3', 'promotion', 'tea');
    const sending = app.sender.sendEmailMessage({ ...INFO, slots: filling }, people(3), { persist: true });
    await expect(sending).rejects.toMatchObject({
      code: 'MAILING_SLOT_CONTENT',
      slot: 'promotion',
      shownTo: 'all recipients',
    });
    const [mailing] = await rig.database.dataSource.getRepository(Mailing).find();
    expect(mailing.status).toBe('failed');
    expect(rig.inbox.messages).toEqual([]);
  });

  it('of the suppression list is an error, except for an address that is on the list already', async () => {
    const app = await rig.boot();
    const suppressions = app.nest.get(MailingSuppressions);
    await refuse('dps_mail_suppression', 'address', 'ann@home.example');
    await expect(suppressions.suppress('ann@home.example', 'complaint')).rejects.toThrow();
    await suppressions.suppress('bob@home.example', 'complaint');
    await suppressions.suppress('bob@home.example', 'again');
    expect(await suppressions.findSuppressed(['ann@home.example', 'bob@home.example'])).toEqual(
      new Set(['bob@home.example']),
    );
  });

  it('of an attachment refuses the mailing', async () => {
    const app = await rig.boot();
    const attachments = [{ filename: 'a.txt', content: 'x'.repeat(200_000) }];
    await app.sender.sendEmailMessage({ ...INFO, attachments }, people(1), true, true);
    await app.sender.sendEmailMessage({ ...INFO, attachments }, people(1), true, true);
    await rig.database.dataSource.query('DELETE FROM dps_mail_attachment');
    await refuse('dps_mail_attachment', 'part', '1');
    const sending = app.sender.sendEmailMessage({ ...INFO, attachments }, people(1), true, true);
    await expect(sending).rejects.toMatchObject({ code: 'MAILING_ATTACHMENT_NOT_STORED' });
    expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(2);
  });

  it('of a template refuses the mailing', async () => {
    const app = await rig.boot();
    await refuse('dps_mail_template', 'hash', createHash('sha256').update(LETTER).digest('hex'));
    await expect(app.sender.sendEmailMessage(INFO, people(1), true, true)).rejects.toThrow();
    expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(0);
  });

  it('of an address claim prevents that the address is sent to twice', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf, run: { transportOutageTimeoutMs: 1_000 } });
    await refuse('dps_mail_address_claim', 'idx', '1');
    const list = ProfileShelf.fill(3, (n) => `reader${n}@home.example`);
    const { mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    const { statusReason } = await rig.reached(mailingId as string, 'paused');
    expect(statusReason).toMatch(
      /^recipients: duplicates: The database dropped or changed a row of dps_mail_address_claim/,
    );
    expect(rig.inbox.messages).toEqual([]);
  });
});

/** INSERT IGNORE stores the part of a value that fits, and reports that by a warning only. */
forEachInnoDb('a value that the database truncates to the size of its column', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const narrow = (table: string, column: string, type: string): Promise<unknown> =>
    rig.database.dataSource.query(`ALTER TABLE ${table} MODIFY ${column} ${type} NOT NULL`);

  it('of a slot skips its profile, which does not get the content for all', async () => {
    const templates = { 'letter.hbs': '{{slot "promotion"}}' };
    const app = await rig.boot({ profileRepository: ProfileShelf }, { templates });
    await narrow('dps_mail_slot', 'user_id', 'VARCHAR(64)');
    const list = ProfileShelf.fill(3, (n) => `reader${n}@home.example`);
    const userId = 'p'.repeat(65);
    ProfileShelf.profiles.set(userId, { email: 'ann@home.example' });
    const slots = app.nest
      .get(SlotService)
      .define('promotion', { persistent: true })
      .fill('promotion', 'for all')
      .fillFor('p1', 'promotion', 'tea')
      .fillFor(userId, 'promotion', 'cake');
    const sending = app.sender.sendEmailMessage({ ...INFO, slots }, [...list, { userId }], { persist: true });
    const { mailingId, completed } = await sending;
    expect(await completed).toMatchObject({ numSent: 3, numSkipped: 1 });
    expect(await app.query.recipients(mailingId as string, { status: 'skipped' })).toMatchObject([
      { userId, errorCode: 'invalid_slot_content' },
    ]);
    const pairs = rig.inbox.messages.map(async (one) => [one.to[0], (await one.parsed()).html]);
    expect(Object.fromEntries(await Promise.all(pairs))).toEqual({
      'reader0@home.example': 'for all',
      'reader1@home.example': 'tea',
      'reader2@home.example': 'for all',
    });
  });

  it('of an attachment refuses the mailing', async () => {
    const app = await rig.boot();
    await narrow('dps_mail_attachment', 'content', 'TINYTEXT');
    const attachments = [{ filename: 'a.txt', content: 'x'.repeat(1_000) }];
    const sending = app.sender.sendEmailMessage({ ...INFO, attachments }, people(1), true, true);
    await expect(sending).rejects.toMatchObject({ code: 'MAILING_ATTACHMENT_NOT_STORED' });
    expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(0);
  });

  it('of a template refuses the mailing', async () => {
    const app = await rig.boot();
    await narrow('dps_mail_template', 'hash', 'VARCHAR(63)');
    const sending = app.sender.sendEmailMessage(INFO, people(1), true, true);
    await expect(sending).rejects.toMatchObject({ code: 'MAILING_ROW_DROPPED', table: 'dps_mail_template' });
    expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(0);
  });

  it('of an address claim prevents that the address is sent to twice', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf, run: { transportOutageTimeoutMs: 1_000 } });
    await narrow('dps_mail_address_claim', 'address_key', 'VARCHAR(21)');
    const list = ProfileShelf.fill(3, (n) => `reader${n}@home.example`);
    const { mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    const { statusReason } = await rig.reached(mailingId as string, 'paused');
    expect(statusReason).toMatch(/changed a row of dps_mail_address_claim/);
    expect(rig.inbox.messages).toEqual([]);
  });
});
