import { type MailingApp } from '../../support/hosts/mailing-app.js';
import { InvalidArgumentError, type MailingOverview } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';

forEachDatabase('MailingQuery', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  const send = async (app: MailingApp, name: string, sendAt?: Date): Promise<string> => {
    const options = { persist: true, runInSeparateThread: sendAt !== undefined, sendAt };
    const { mailingId } = await app.sender.sendEmailMessage(
      { ...INFO, name },
      [`${name}@home.example`],
      options,
    );
    return mailingId!;
  };

  it('counts reasons over addresses and profiles, the most frequent first', async () => {
    rig.inbox.answer = ({ command, to }) => {
      if (command !== 'RCPT' || to.at(-1)?.startsWith('reader')) return undefined;
      return { code: 550, text: to.at(-1)?.startsWith('gone') ? '5.1.1 Unknown' : '5.7.1 Not from you' };
    };
    const app = await rig.boot();
    const addresses = ['reader1', 'reader2', 'reader3', 'gone1', 'gone2', 'other'];
    const list = [...addresses.map((name) => `${name}@home.example`), 'no address', 'nor this'];
    const { mailingId } = await app.sender.sendEmailMessage(INFO, list, false, true);
    await app.sender.sendEmailMessage(INFO, list, false, true);
    expect(await app.query.reasons(mailingId!)).toEqual([
      { status: 'sent', code: null, count: 3 },
      { status: 'error', code: '5.1.1', count: 2 },
      { status: 'skipped', code: 'invalid_address', count: 2 },
      { status: 'error', code: '5.7.1', count: 1 },
    ]);
    expect(await app.query.reasons('no such mailing')).toEqual([]);
  });

  it('lists mailings newest first, page by page, of one status or of all, and counts them', async () => {
    const app = await rig.boot();
    const done: string[] = [];
    for (let n = 0; n < 5; n++) done.unshift(await send(app, `done${n}`));
    const waiting = await send(app, 'waiting', new Date(Date.now() + 3_600_000));
    const all = [waiting, ...done];

    const pages: MailingOverview[][] = [];
    let beforeId: string | undefined;
    do {
      pages.push(await app.query.list({ limit: 4, beforeId }));
      beforeId = pages.at(-1)!.at(-1)?.mailingId;
    } while (beforeId !== undefined);
    expect(pages.map((page) => page.length)).toEqual([4, 2, 0]);
    expect(pages.flat().map(({ mailingId }) => mailingId)).toEqual(all);
    expect(pages[0][1]).toMatchObject({ name: 'done4', status: 'completed', numProfiles: 1, numSent: 1 });
    expect(Math.abs(pages[0][1].createdAt.getTime() - Date.now())).toBeLessThan(60_000);

    const completed = await app.query.list({ status: 'completed', beforeId: done[1] });
    expect(completed.map(({ mailingId }) => mailingId)).toEqual(done.slice(2));
    expect(await app.query.countsByStatus()).toEqual({
      loading: 0,
      pending: 1,
      in_progress: 0,
      pausing: 0,
      paused: 0,
      canceling: 0,
      canceled: 0,
      completed: 5,
      failed: 0,
    });
  });

  it('refuses an unknown status and a page that is too large', async () => {
    const app = await rig.boot();
    await expect(app.query.list({ status: 'done' as never })).rejects.toThrow(InvalidArgumentError);
    await expect(app.query.list({ limit: 1_001 })).rejects.toThrow(InvalidArgumentError);
    await expect(app.query.list({ limit: 0 })).rejects.toThrow(InvalidArgumentError);
  });
});
