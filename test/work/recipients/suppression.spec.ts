import { Injectable } from '@nestjs/common';
import {
  MailingSuppressions,
  MailSuppression,
  SuppressionAddressError,
  type SuppressionList,
  SuppressionListMissingError,
} from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';

const suppressionsOf = (app: MailingApp): MailingSuppressions =>
  app.nest.get(MailingSuppressions, { strict: false });

/** The host's own list, which suppresses a whole domain. */
@Injectable()
class NobodyAtWork implements SuppressionList {
  static readonly entries: string[] = [];
  static questions = 0;

  async findSuppressed(addresses: string[]): Promise<Set<string>> {
    NobodyAtWork.questions++;
    return new Set(addresses.filter((address) => address.endsWith('@work.example')));
  }

  async suppress(address: string): Promise<void> {
    NobodyAtWork.entries.push(address);
  }

  async release(): Promise<void> {}
}

forEachDatabase('the suppression list', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('C16 ignores letter case and spelling, for plain addresses, profiles, names and IDN', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf });
    const suppressions = suppressionsOf(app);
    await suppressions.suppress('A@x.example', 'asked for it');
    await suppressions.suppress('Zoë <zoe@Bücher.example>', 'complaint');
    await suppressions.suppress('profile@x.example', 'complaint');
    ProfileShelf.fill(2, (n) => (n === 0 ? 'Profile@X.example' : 'other@x.example'));
    const list = [
      'a@x.example',
      'Ann <a@X.example>',
      'zoe@xn--bcher-kva.example',
      { userId: 'p0' },
      { userId: 'p1' },
      'b@x.example',
    ];
    const { completed, mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    expect(await completed).toMatchObject({ numSent: 2, numSkipped: 3, numErrors: 0 });
    const progress = await rig.progress(mailingId as string);
    assertProgressAddsUp(progress);
    expect(progress.recipients.map(({ errorCode }) => errorCode)).toEqual([
      'suppressed',
      'suppressed',
      'suppressed',
      null,
      null,
    ]);
    expect([...rig.inbox.countsByRecipient().keys()].sort()).toEqual(['b@x.example', 'other@x.example']);
  });

  it('C16 holds for a recipient that is added while the mailing runs', async () => {
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    rig.inbox.answer = async ({ command }) => {
      if (command === 'END') await held;
    };
    const app = await rig.boot({ run: { concurrency: 1, maxInDoubt: 2 } });
    const { completed } = await app.sender.sendEmailMessage(INFO, people(20), { persist: true });
    await rig.inbox.waitFor(1);
    await suppressionsOf(app).suppress('READER19@home.example', 'unsubscribed');
    letGo();
    expect(await completed).toMatchObject({ numSent: 19, numSkipped: 1 });
    expect(rig.inbox.countsByRecipient().has('reader19@home.example')).toBe(false);
  });

  it('holds for mailings that are not persisted, and ends once an address is released', async () => {
    const app = await rig.boot();
    const suppressions = suppressionsOf(app);
    await suppressions.suppress('reader1@home.example', 'first reason');
    await suppressions.suppress('Reader1@HOME.example', 'second reason');
    const first = await app.sender.sendEmailMessage(INFO, people(3));
    expect(await first.completed).toMatchObject({ numSent: 2, numSkipped: 1 });
    const rows = await rig.database.dataSource.getRepository(MailSuppression).find();
    expect(rows.map(({ address, reason }) => [address, reason])).toEqual([
      ['reader1@home.example', 'first reason'],
    ]);
    expect(Math.abs(rows[0].createdAt.getTime() - Date.now())).toBeLessThan(600_000);
    await suppressions.release('READER1@home.example');
    await suppressions.release('READER1@home.example');
    const second = await app.sender.sendEmailMessage(INFO, people(3));
    expect(await second.completed).toMatchObject({ numSent: 3, numSkipped: 0 });
  });

  it('answers in the spelling of the question, takes reasons of any length, and refuses invalid addresses', async () => {
    const app = await rig.boot();
    const suppressions = suppressionsOf(app);
    await suppressions.suppress('ann@home.example', '📬'.repeat(300));
    const asked = ['Ann@home.example', 'ann@HOME.example', 'bob@home.example', 'nonsense'];
    expect(await suppressions.findSuppressed(asked)).toEqual(new Set(asked.slice(0, 2)));
    expect(await suppressions.findSuppressed([])).toEqual(new Set());
    await expect(suppressions.suppress('nonsense', 'x')).rejects.toThrow(SuppressionAddressError);
    await expect(suppressions.suppress('a@x.example, b@x.example', 'x')).rejects.toThrow(/exactly one/);
    await suppressions.release('nonsense');
    const [row] = await rig.database.dataSource.getRepository(MailSuppression).find();
    expect(Array.from(row.reason)).toHaveLength(255);
  });

  it('is asked once a commit, and may be a class of the host', async () => {
    NobodyAtWork.questions = 0;
    NobodyAtWork.entries.length = 0;
    const app = await rig.boot({ suppressionList: NobodyAtWork, run: { concurrency: 10, maxInDoubt: 50 } });
    const list = [...people(20), 'boss@work.example'];
    const { completed } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    expect(await completed).toMatchObject({ numSent: 20, numSkipped: 1 });
    expect(NobodyAtWork.questions).toBe(1);
    await suppressionsOf(app).suppress('x@home.example', 'asked for it');
    expect(NobodyAtWork.entries).toEqual(['x@home.example']);
  });

  it('may be turned off: no statement runs, and a call that writes to it is refused with the reason', async () => {
    const app = await rig.boot({ suppressionList: false });
    const database = app.nest.get(MailingDatabase, { strict: false });
    const asked: string[] = [];
    const rows = database.rows.bind(database) as MailingDatabase['rows'];
    database.rows = (sql, parameters) => (asked.push(sql), rows(sql, parameters));
    const { completed } = await app.sender.sendEmailMessage(INFO, people(3), { persist: true });
    expect(await completed).toMatchObject({ numSent: 3 });
    expect(asked.filter((sql) => sql.includes('dps_mail_suppression'))).toEqual([]);
    await expect(suppressionsOf(app).suppress('a@x.example', 'x')).rejects.toThrow(
      SuppressionListMissingError,
    );
  });
});
