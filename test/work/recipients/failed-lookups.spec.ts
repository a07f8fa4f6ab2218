import { Injectable } from '@nestjs/common';
import { SlotService, type SuppressionList } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';

/** A list of the host that can not be read until `isAway` is false. */
@Injectable()
class ListAway implements SuppressionList {
  static isAway = true;

  async findSuppressed(): Promise<Set<string>> {
    if (ListAway.isAway) throw new Error('the list does not answer');
    return new Set();
  }

  async suppress(): Promise<void> {}

  async release(): Promise<void> {}
}

/** Makes statements on one table fail, and no others. @returns a function that repairs it. */
function breakTable(app: MailingApp, table: string): () => void {
  const database = app.nest.get(MailingDatabase, { strict: false });
  const works = {
    rows: database.rows.bind(database),
    change: database.change.bind(database),
    insert: database.insert.bind(database),
  };
  const refuse = (sql: string): void => {
    if (sql.includes(table)) throw new Error(`${table} does not answer`);
  };
  Object.assign(database, {
    rows: async (sql: string, parameters?: unknown[]) => (refuse(sql), works.rows(sql, parameters)),
    change: async (sql: string, parameters?: unknown[]) => (refuse(sql), works.change(sql, parameters)),
    insert: async (sql: string, parameters?: unknown[]) => (refuse(sql), works.insert(sql, parameters)),
  });
  return () => void Object.assign(database, works);
}

forEachDatabase('lookups about recipients that fail', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it.each<[string, string, (app: MailingApp) => () => void]>([
    [
      'the suppression list of the host',
      'recipients: suppression list: the list does not answer',
      () => {
        ListAway.isAway = true;
        return () => (ListAway.isAway = false);
      },
    ],
    [
      'addresses that have been claimed already',
      'recipients: duplicates: dps_mail_address_claim does not answer',
      (app) => breakTable(app, 'dps_mail_address_claim'),
    ],
    [
      'the slots',
      'recipients: slots: dps_mail_slot does not answer',
      (app) => breakTable(app, 'dps_mail_slot'),
    ],
  ])('pause the mailing with the reason and fail no recipient: %s', async (_, reason, breakIt) => {
    ListAway.isAway = false;
    const how = {
      profileRepository: ProfileShelf,
      suppressionList: ListAway,
      run: { transportOutageTimeoutMs: 0 },
    };
    const app = await rig.boot(how, { templates: { 'letter.hbs': 'For {{email}}: {{slot "news"}}' } });
    app.nest.get(SlotService).define('news', { persistent: true });
    const list = ProfileShelf.fill(3, (n) => `reader${n}@home.example`);
    const info = { ...INFO, slots: { news: 'peaches' } };
    const { mailingId } = await app.sender.sendEmailMessage(info, list, {
      persist: true,
      sendAt: new Date(Date.now() + 3_600_000),
    });
    const id = mailingId as string;
    const mend = breakIt(app);
    await rig.database.dataSource.query('UPDATE dps_mailing SET scheduled_at = NULL');
    expect((await rig.reached(id, 'paused')).statusReason).toBe(reason);
    expect((await rig.progress(id)).byStatus).toEqual({ pending: 3 });
    const [finding] = (await app.health.check()).findings;
    expect(finding.message).toContain('Make what the reason names answer and resume them');
    mend();
    await app.sender.resume(id);
    expect(await rig.reached(id, 'completed')).toMatchObject({ numSent: 3, numErrors: 0 });
    const texts = await Promise.all(rig.inbox.messages.map(async (one) => (await one.parsed()).text));
    expect(texts.every((text) => text?.endsWith(': peaches'))).toBe(true);
  });
});
