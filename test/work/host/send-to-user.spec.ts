import type { Recipient } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';

forEachDatabase('sendEmailToUser', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const templates = { 'letter.hbs': '{{name}}: {{link}} until {{day}}' };
  const info = { ...INFO, params: { link: 'none', day: 'Monday' } };

  async function received(): Promise<Record<string, string | undefined>> {
    const messages = rig.inbox.messages.map(
      async (one) => [one.to.join(), (await one.parsed()).text?.trim()] as const,
    );
    return Object.fromEntries(await Promise.all(messages));
  }

  it('sends to an address, an address with data and a profile, with params of this e-mail alone', async () => {
    const { sender } = await rig.boot({ profileRepository: ProfileShelf }, { templates });
    const [profile] = ProfileShelf.fill(1, () => 'dee@home.example');
    const users: Recipient[] = [
      'Ann <ann@home.example>',
      { email: 'bob@home.example', name: 'Bob' },
      profile,
    ];
    for (const [n, user] of users.entries()) {
      const { completed, mailingId } = await sender.sendEmailToUser(info, user, {
        params: { link: `/${n}` },
      });
      expect(await completed).toMatchObject({ status: 'completed', numSent: 1, numErrors: 0 });
      expect((await rig.progress(mailingId as string)).byStatus).toEqual({ sent: 1 });
    }
    await (
      await sender.sendEmailToUser(info, 'cy@home.example')
    ).completed;
    const ofClass = Object.assign(new (class Letter {})(), info);
    const last = await sender.sendEmailToUser(ofClass, 'eve@home.example', { params: { link: '/4' } });
    await last.completed;
    expect(await received()).toMatchObject({
      'ann@home.example': 'Ann: /0 until Monday',
      'bob@home.example': 'Bob: /1 until Monday',
      'dee@home.example': expect.stringContaining('/2 until Monday'),
      'cy@home.example': ': none until Monday',
      'eve@home.example': ': /4 until Monday',
    });
    expect(info.params).toEqual({ link: 'none', day: 'Monday' });
  });

  it('takes the options of sendEmailMessage', async () => {
    const { sender } = await rig.boot({}, { templates });
    const once = { idempotencyKey: 'password-17', runInSeparateThread: false };
    const first = await sender.sendEmailToUser(info, 'ann@home.example', once);
    const second = await sender.sendEmailToUser(info, 'ann@home.example', once);
    expect([second.mailingId, second.isRepeat]).toEqual([first.mailingId, true]);
    expect(rig.inbox.messages).toHaveLength(1);
    const unkept = await sender.sendEmailToUser(info, 'ann@home.example', { persist: false });
    expect([unkept.mailingId, (await unkept.completed).numSent]).toEqual([null, 1]);
  });

  it('skips a user that can not be mailed, and refuses what is no user', async () => {
    const { sender, query } = await rig.boot({}, { templates });
    const { completed } = await sender.sendEmailToUser(info, 'no address');
    expect(await completed).toMatchObject({ numSent: 0, numSkipped: 1 });
    for (const user of [undefined, null, 7, people(2), new Set(people(2))]) {
      await expect(sender.sendEmailToUser(info, user as never)).rejects.toMatchObject({
        code: 'MAILING_ARGUMENT_INVALID',
        argument: 'sendEmailToUser: user',
      });
    }
    for (const options of [null, true, 'yes']) {
      await expect(sender.sendEmailToUser(info, 'ann@home.example', options as never)).rejects.toMatchObject({
        code: 'MAILING_ARGUMENT_INVALID',
        argument: 'sendEmailToUser: options',
      });
    }
    const wrong: [unknown, object][] = [
      [{ params: [] }, { field: 'params' }],
      [{ parms: {} }, { field: 'parms' }],
    ];
    for (const [options, error] of wrong) {
      const sending = sender.sendEmailToUser(info, 'ann@home.example', options as never);
      await expect(sending).rejects.toMatchObject({ code: 'MAILING_FIELD_INVALID', ...error });
    }
    await expect(
      sender.sendEmailToUser(null as never, 'ann@home.example', { params: { link: '/' } }),
    ).rejects.toMatchObject({ code: 'MAILING_FIELD_MISSING' });
    await expect(
      sender.sendEmailToUser({ ...INFO, params: 7 as never }, 'ann@home.example', { params: { link: '/' } }),
    ).rejects.toMatchObject({ code: 'MAILING_FIELD_INVALID', field: 'params' });
    expect(await query.list()).toHaveLength(1);
    expect(rig.inbox.messages).toHaveLength(0);
  });
});
