import { MailBatch, type Recipient, SlotService } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase, forEachInnoDb, forEachServer } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';
import { refuseRows } from '../../support/databases/refusing-table.js';

const BAD = 'reader50@home.example';
const HOWS = ['drops', 'fails', 'fails with its own code'] as const;

forEachDatabase('a recipient whose row the database refuses', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const refuse = (
    how: (typeof HOWS)[number],
    table = 'dps_email_address',
    column = 'email_address',
    value = BAD,
  ) => refuseRows(rig.database.dataSource, kind, { table, column, value, how });

  it.each(HOWS)('is skipped with a reason of its own, and all others are sent to: %s', async (how) => {
    const app = await rig.boot({ enabledAsTemplateMailServer: true, batch: { pollIntervalMs: 100 } });
    await refuse(how);
    const list = [...people(100), 'reader7@home.example', 'reader8@HOME.example', 'nonsense', ...people(120)];
    const { mailingId, numProfiles, numDuplicates, completed } = await app.sender.sendEmailMessage(
      { ...INFO, batched: true, batchSize: 25 },
      list,
      { persist: true },
    );
    // The later entry with the refused address is no duplicate: it is refused as well.
    expect({ numProfiles, numDuplicates }).toEqual({ numProfiles: 122, numDuplicates: 101 });
    expect(await completed).toMatchObject({ status: 'completed', numSent: 119, numSkipped: 3, numErrors: 0 });
    const skipped = await app.query.recipients(mailingId as string, { status: 'skipped' });
    expect(skipped.map(({ idx, email, errorCode }) => [idx, email, errorCode])).toEqual([
      [50, '', 'not_storable'],
      [102, 'nonsense', 'invalid_address'],
      [153, '', 'not_storable'],
    ]);
    expect(skipped[0].errorText).toBe('The database refuses to store this recipient as it was given.');
    const counts = await app.query.reasons(mailingId as string);
    expect(counts).toContainEqual({ status: 'skipped', code: 'not_storable', count: 2 });
    assertProgressAddsUp(await rig.progress(mailingId as string));
    const batches = await rig.database.dataSource
      .getRepository(MailBatch)
      .findBy({ mailingId: mailingId as string });
    expect(batches.reduce((sum, one) => sum + one.numProfiles, 0)).toBe(119);
    expect(rig.inbox.countsByRecipient().has(BAD)).toBe(false);
    expect(rig.inbox.messages).toHaveLength(119);
  });

  it('is skipped where it is a profile, and the reason names it', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf });
    await refuse('drops', 'dps_user_mailing', 'user_id', 'p3');
    const list = ProfileShelf.fill(6, (n) => `reader${n}@home.example`);
    const { mailingId, completed, numDuplicates } = await app.sender.sendEmailMessage(
      INFO,
      [...list, { userId: 'p1' }],
      { persist: true },
    );
    expect(numDuplicates).toBe(1);
    expect(await completed).toMatchObject({ numProfiles: 6, numSent: 5, numSkipped: 1 });
    expect(await app.query.recipients(mailingId as string, { status: 'skipped' })).toMatchObject([
      { idx: 3, email: 'p3', userId: null, errorCode: 'not_storable' },
    ]);
  });

  it('leaves its address to a later entry that the database accepts', async () => {
    const app = await rig.boot();
    await refuse('fails', 'dps_email_address', 'display_name', 'odd');
    const list: Recipient[] = [
      { email: 'ann@home.example', name: 'odd' },
      { email: 'bob@home.example', name: 'Bob' },
      { email: 'ann@home.example', name: 'Ann' },
      { email: 'bob@home.example', name: 'odd' },
    ];
    const { completed, numDuplicates } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    expect(numDuplicates).toBe(1);
    expect(await completed).toMatchObject({ numProfiles: 3, numSent: 2, numSkipped: 1 });
    expect([...rig.inbox.countsByRecipient().keys()].sort()).toEqual([
      'ann@home.example',
      'bob@home.example',
    ]);
  });

  it('fails the mailing, with its idx, where not even a skipped row is accepted', async () => {
    const app = await rig.boot();
    await refuse('fails', 'dps_email_address', 'idx', '3');
    const sending = app.sender.sendEmailMessage(INFO, people(6), { persist: true });
    await expect(sending).rejects.toMatchObject({
      code: 'MAILING_LIST_INCOMPLETE',
      cause: { code: 'MAILING_ROW_REFUSED', table: 'dps_email_address', idx: 3 },
    });
    expect(rig.inbox.messages).toEqual([]);
  });

  it('is not skipped when the database has another fault: the mailing fails with that', async () => {
    const app = await rig.boot();
    await rig.database.dataSource.query('ALTER TABLE dps_email_address RENAME TO elsewhere');
    const sending = app.sender.sendEmailMessage(INFO, people(3), { persist: true });
    await expect(sending).rejects.toMatchObject({ code: 'MAILING_LIST_INCOMPLETE' });
  });

  it('does not include ids that differ by a space at the end: they are two profiles, in lists and in slots', async () => {
    const app = await rig.boot(
      { profileRepository: ProfileShelf },
      { templates: { 'letter.hbs': '{{slot "promotion"}}' } },
    );
    ProfileShelf.profiles.clear();
    const ids = ['x', 'x ', ' x', 'X'];
    for (const [n, id] of ids.entries()) ProfileShelf.profiles.set(id, { email: `reader${n}@home.example` });
    const list = ids.map((userId) => ({ userId }));
    const slots = app.nest
      .get(SlotService)
      .define('promotion', { persistent: true })
      .fill('promotion', 'for all')
      .fillFor('x ', 'promotion', 'for x and a space')
      .fillFor('x', 'promotion', 'for x');
    const info = { ...INFO, slots };
    const { completed, numDuplicates } = await app.sender.sendEmailMessage(info, list, { persist: true });
    expect(numDuplicates).toBe(0);
    expect(await completed).toMatchObject({ numProfiles: 4, numSent: 4, numSkipped: 0 });
    const pairs = rig.inbox.messages.map(async (one) => [one.to[0], (await one.parsed()).html]);
    expect(Object.fromEntries(await Promise.all(pairs))).toEqual({
      'reader0@home.example': 'for x',
      'reader1@home.example': 'for x and a space',
      'reader2@home.example': 'for all',
      'reader3@home.example': 'for all',
    });
  });
});

forEachServer('a recipient outside a view with a check', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('is skipped where the view replaces the table', async () => {
    const app = await rig.boot();
    const { dataSource } = rig.database;
    await dataSource.query('ALTER TABLE dps_email_address RENAME TO all_addresses');
    await dataSource.query(
      `CREATE VIEW dps_email_address AS SELECT * FROM all_addresses WHERE email_address <> '${BAD}' WITH CHECK OPTION`,
    );
    const { mailingId, completed } = await app.sender.sendEmailMessage(INFO, people(60), { persist: true });
    expect(await completed).toMatchObject({ numProfiles: 60, numSent: 59, numSkipped: 1 });
    expect(await app.query.recipients(mailingId as string, { status: 'skipped' })).toMatchObject([
      { idx: 50, errorCode: 'not_storable' },
    ]);
    expect(rig.inbox.countsByRecipient().has(BAD)).toBe(false);
  });
});

forEachInnoDb('an insert that changes a value instead of refusing it', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('is detected by its warning, and that recipient is skipped', async () => {
    const app = await rig.boot();
    await rig.database.dataSource.query('ALTER TABLE dps_email_address MODIFY display_name VARCHAR(5)');
    const list = [{ email: 'ann@home.example', name: 'Annabella' }, ...people(30), ...people(3)];
    const { completed, numDuplicates } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    expect(numDuplicates).toBe(3);
    expect(await completed).toMatchObject({ numProfiles: 31, numSent: 30, numSkipped: 1 });
  });

  // The server keeps at most 64 or 1,024 warnings of a statement.
  it.each([
    ['changed', 'ALTER TABLE dps_email_address MODIFY display_name VARCHAR(5)'],
    ['dropped', "ALTER TABLE dps_email_address ADD CONSTRAINT says_no CHECK (display_name <> 'Annabella')"],
  ])('is detected among 1,100 duplicates of the same chunk: %s', async (_, alteration) => {
    const app = await rig.boot();
    await rig.database.dataSource.query(alteration);
    const duplicates = Array.from({ length: 1_100 }, (): Recipient => 'reader0@home.example');
    const list = [...people(30), ...duplicates, { email: 'ann@home.example', name: 'Annabella' }];
    const { mailingId, completed, numDuplicates } = await app.sender.sendEmailMessage(INFO, list, {
      persist: true,
    });
    expect(numDuplicates).toBe(1_100);
    expect(await completed).toMatchObject({ numProfiles: 31, numSent: 30, numSkipped: 1 });
    expect(await app.query.recipients(mailingId as string, { status: 'skipped' })).toMatchObject([
      { idx: 1_130, errorCode: 'not_storable' },
    ]);
    assertProgressAddsUp(await rig.progress(mailingId as string));
  });
});
