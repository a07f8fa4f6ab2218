import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Mailing, type Recipient, type SendOptions, TemplateEmailPersister } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';
import { WebServer } from '../../support/network/web-server.js';

const KEYED = { persist: true, idempotencyKey: 'november-news' };

forEachDatabase('the options of a send', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const count = (): Promise<number> => rig.database.dataSource.getRepository(Mailing).count();

  it('A17 the same key again returns the existing mailing, and sends nothing more', async () => {
    const app = await rig.boot();
    const first = await app.sender.sendEmailMessage(INFO, people(6), KEYED);
    expect(first).toMatchObject({ isRepeat: false, numProfiles: 6 });
    await first.completed;
    const again = await app.sender.sendEmailMessage(INFO, people(99), KEYED);
    expect(again).toMatchObject({ isRepeat: true, mailingId: first.mailingId, numProfiles: 6 });
    expect(await again.completed).toMatchObject({ status: 'completed', numSent: 6 });
    expect(await count()).toBe(1);
    await rig.assertAllSent(first.mailingId as string, 6);
  });

  it('A17 the same key again does not require its attachments and templates to exist', async () => {
    await using web = new WebServer();
    const href = await web.start((_, response) => void response.end('file'));
    const app = await rig.boot();
    const info = { ...INFO, attachments: [{ filename: 'a.txt', href }] };
    const first = await app.sender.sendEmailMessage(info, people(2), KEYED);
    await first.completed;
    await rm(join(app.templateDir, INFO.templateUrl));
    const again = await app.sender.sendEmailMessage(info, people(2), KEYED);
    expect(again).toMatchObject({ isRepeat: true, mailingId: first.mailingId, numProfiles: 2 });
    expect(web.asked).toBe(1);
    expect(await again.completed).toMatchObject({ status: 'completed', numSent: 2 });
  });

  it('A17 ten calls at the same moment on two servers make one mailing', async () => {
    const servers = [await rig.boot(), await rig.boot({ uniqServerId: 'test:2' })];
    const handles = await Promise.all(
      Array.from({ length: 10 }, (_, n) => servers[n % 2].sender.sendEmailMessage(INFO, people(40), KEYED)),
    );
    expect(new Set(handles.map(({ mailingId }) => mailingId)).size).toBe(1);
    expect(handles.filter(({ isRepeat }) => !isRepeat)).toHaveLength(1);
    const results = await Promise.all(handles.map(({ completed }) => completed));
    expect(results.every(({ status, numSent }) => status === 'completed' && numSent === 40)).toBe(true);
    expect(await count()).toBe(1);
    await rig.assertAllSent(handles[0].mailingId as string, 40);
  });

  it('a key whose list failed can be used again, and the failed mailing is kept', async () => {
    const app = await rig.boot();
    function* broken(): Generator<Recipient> {
      yield 'reader0@home.example';
      throw new Error('the file ends here');
    }
    await expect(app.sender.sendEmailMessage(INFO, broken(), KEYED)).rejects.toMatchObject({
      code: 'MAILING_LIST_INCOMPLETE',
    });
    const { mailingId, isRepeat, completed } = await app.sender.sendEmailMessage(INFO, people(4), KEYED);
    expect(isRepeat).toBe(false);
    expect(await completed).toMatchObject({ status: 'completed', numSent: 4 });
    expect(await count()).toBe(2);
    await rig.assertAllSent(mailingId as string, 4);
  });

  it('A18 a key whose server died while loading starts the loading over', async () => {
    const app = await rig.boot();
    await rig.database.dataSource.getRepository(Mailing).insert({
      id: 'half',
      subject: INFO.subject,
      from: INFO.from,
      templateUrl: INFO.templateUrl,
      status: 'loading',
      uniqServerId: 'gone:1',
      claimToken: 'dead#1',
      idempotencyKey: KEYED.idempotencyKey,
      createdAt: new Date(),
    });
    const { mailingId, completed } = await app.sender.sendEmailMessage(INFO, people(4), KEYED);
    await completed;
    await rig.assertAllSent(mailingId as string, 4);
    expect(await app.query.get('half')).toMatchObject({ status: 'failed', statusReason: 'list incomplete' });
  });

  it('a list whose last commit got no answer is complete: it is sent, and the call resolves', async () => {
    const app = await rig.boot();
    const persister = app.nest.get(TemplateEmailPersister, { strict: false });
    const finishList = persister.finishList.bind(persister);
    persister.finishList = async (...parts) => {
      await finishList(...parts);
      throw new Error('read ECONNRESET');
    };
    const { mailingId, numProfiles, completed } = await app.sender.sendEmailMessage(INFO, people(5), KEYED);
    expect(numProfiles).toBe(5);
    expect(await completed).toMatchObject({ status: 'completed', numSent: 5 });
    await rig.assertAllSent(mailingId as string, 5);
  });

  it('a scheduled mailing waits for sendAt, over a restart', async () => {
    const first = await rig.boot();
    const sendAt = new Date(Date.now() + 1_500);
    const handle = await first.sender.sendEmailMessage(INFO, people(3), { persist: true, sendAt });
    await first.close();
    expect(await handle.completed).toMatchObject({ status: 'pending', numSent: 0 });
    await rig.boot();
    const { startTime } = await rig.reached(handle.mailingId as string, 'completed');
    expect(startTime?.getTime()).toBeGreaterThanOrEqual(sendAt.getTime());
    await rig.assertAllSent(handle.mailingId as string, 3);
  });

  it('completed of a scheduled mailing resolves also where the application ends before the first poll for it', async () => {
    const app = await rig.boot();
    const database = app.nest.get(MailingDatabase, { strict: false });
    const rows = database.rows.bind(database);
    database.rows = async <T>(sql: string, parameters?: unknown[]) => {
      await delay(200);
      return rows<T>(sql, parameters);
    };
    const options = { persist: true, sendAt: new Date(Date.now() + 60_000) };
    const { completed } = await app.sender.sendEmailMessage(INFO, people(1), options);
    await app.close();
    expect(await completed).toMatchObject({ status: 'pending', numSent: 0 });
  });

  it('completed of a scheduled mailing resolves when it is sent', async () => {
    const app = await rig.boot();
    const sendAt = new Date(Date.now() + 500);
    const options = { persist: true, sendAt, runInSeparateThread: false };
    const { completed } = await app.sender.sendEmailMessage(INFO, people(3), options);
    expect(await completed).toMatchObject({ status: 'completed', numSent: 3 });
  });

  it('a mailing overdue after an outage stays pending with a reason, until it is resumed', async () => {
    const first = await rig.boot();
    const [sendAt, doNotStartAfter] = [new Date(Date.now() + 150), new Date(Date.now() + 300)];
    const options = { persist: true, sendAt, doNotStartAfter };
    await first.sender.pause(
      (await first.sender.sendEmailMessage(INFO, people(3), options)).mailingId as string,
    );
    const { id } = await rig.database.dataSource.getRepository(Mailing).findOneByOrFail({});
    await rig.database.dataSource
      .getRepository(Mailing)
      .update({ id }, { status: 'pending', statusReason: null });
    await first.close();
    await waitUntil(() => Date.now() > doNotStartAfter.getTime() + 50, { what: 'the moment to pass' });
    const second = await rig.boot();
    const isOverdue = async (): Promise<boolean> =>
      (await second.query.get(id))?.statusReason?.startsWith('overdue') ?? false;
    await waitUntil(isOverdue, { what: 'the reason' });
    expect(await second.query.get(id)).toMatchObject({ status: 'pending', numSent: 0 });
    expect(rig.inbox.messages).toHaveLength(0);
    await second.sender.resume(id);
    await rig.reached(id, 'completed');
    await rig.assertAllSent(id, 3);
  });

  it('resume keeps a doNotStartAfter that is not over yet, and completed of a repeated key resolves for an overdue mailing', async () => {
    const app = await rig.boot();
    const moment = new Date(Date.now() + 3_600_000);
    const options = { ...KEYED, sendAt: moment, doNotStartAfter: moment };
    const { mailingId } = await app.sender.sendEmailMessage(INFO, people(3), options);
    const id = mailingId as string;
    await app.sender.pause(id);
    await app.sender.resume(id);
    const mailings = rig.database.dataSource.getRepository(Mailing);
    expect((await mailings.findOneByOrFail({ id })).doNotStartAfter).toEqual(moment);
    await mailings.update({ id }, { scheduledAt: new Date(0), doNotStartAfter: new Date(1) });
    await waitUntil(async () => (await app.query.get(id))?.statusReason, { what: 'the reason' });
    const again = await app.sender.sendEmailMessage(INFO, people(3), KEYED);
    expect(await again.completed).toMatchObject({ status: 'pending', numSent: 0 });
  });

  it('a mailing that started before doNotStartAfter is completed after it', async () => {
    const app = await rig.boot();
    const options = { persist: true, doNotStartAfter: new Date(Date.now() + 1_000) };
    const mailingId = (await app.sender.sendEmailMessage(INFO, people(120), options)).mailingId as string;
    await rig.inbox.waitFor(10);
    await app.sender.pause(mailingId);
    await rig.reached(mailingId, 'paused');
    await rig.database.dataSource
      .getRepository(Mailing)
      .update({ id: mailingId }, { doNotStartAfter: new Date(0), status: 'pending' });
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 120);
  });

  it.each([
    ['an unknown option', { persits: true } as SendOptions, 'persits'],
    ['no options at all', null as unknown as SendOptions, '*'],
    ['idempotencyKey without persist', { persist: false, idempotencyKey: 'k' }, 'idempotencyKey'],
    ['an empty idempotencyKey', { persist: true, idempotencyKey: '' }, 'idempotencyKey'],
    ['an idempotencyKey that ends with a space', { persist: true, idempotencyKey: 'k ' }, 'idempotencyKey'],
    ['sendAt without persist', { persist: false, sendAt: new Date() }, 'sendAt'],
    ['a sendAt that is no date', { persist: true, sendAt: new Date('never') }, 'sendAt'],
    [
      'a doNotStartAfter before sendAt',
      { persist: true, sendAt: new Date(2_000), doNotStartAfter: new Date(1_000) },
      'doNotStartAfter',
    ],
  ])('refuses %s, and leaves nothing behind', async (_, options, field) => {
    const { sender } = await rig.boot();
    await expect(sender.sendEmailMessage(INFO, people(1), options)).rejects.toMatchObject({
      code: 'MAILING_FIELD_INVALID',
      field,
    });
    expect(await count()).toBe(0);
  });
});
