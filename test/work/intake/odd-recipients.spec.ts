import { type Recipient, TemplateEmailPreview } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { oddRecipients } from '../../support/hosts/odd-recipients.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';
import { toldOf } from '../../support/told-of.js';

/** Between two who are as they should be, each. */
function listWith(odd: { entry: unknown }[]): Recipient[] {
  return [...odd.map(({ entry }) => entry as Recipient), ...people(5)];
}

forEachDatabase('an odd entry of a list', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('costs itself only, with a sentence that has no address in it', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf });
    const told = toldOf(app);
    const odd = oddRecipients();
    const { mailingId, numProfiles, numDuplicates, completed } = await app.sender.sendEmailMessage(
      INFO,
      listWith(odd),
      { persist: true },
    );
    expect({ numProfiles, numDuplicates }).toEqual({ numProfiles: odd.length + 5, numDuplicates: 0 });
    expect(await completed).toMatchObject({ status: 'completed', numSent: 5, numSkipped: odd.length });
    const records = await app.query.recipients(mailingId as string, { status: 'skipped' });
    expect(records).toHaveLength(odd.length);
    for (const [n, { what, code, says }] of odd.entries()) {
      const { errorCode, errorText } = records[n];
      expect({ what, errorCode, errorText }).toEqual({
        what,
        errorCode: code,
        errorText: expect.stringContaining(says) as string,
      });
      // Neither an address nor a phone number.
      expect(errorText).not.toMatch(/@|\d{5}|true|false/);
    }
    assertProgressAddsUp(await rig.progress(mailingId as string));
    expect(told.events.map((one) => one.split(' ')[0])).toContain('run:ended');
    expect(told.lines.join()).toContain(`${odd.length} invalid`);
    expect([...told.events, ...told.lines].filter((one) => one.includes('@'))).toEqual([]);
    expect([...rig.inbox.countsByRecipient().keys()].sort()).toEqual(people(5));
  });
});

describe('an odd entry of a list', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const odd = oddRecipients();
  const alwaysOdd = odd.filter(({ isOdd }) => isOdd === undefined);
  const mailed = odd.length - alwaysOdd.length;

  it('that is not stored costs itself only, and live objects in data are no fault', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf });
    const { completed } = await app.sender.sendEmailMessage(INFO, listWith(oddRecipients()));
    expect(await completed).toMatchObject({
      status: 'completed',
      numSent: 5 + mailed,
      numSkipped: alwaysOdd.length,
    });
  });

  it('is counted by a preview under its reason, and has no preview', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf });
    const previews = app.nest.get(TemplateEmailPreview);
    const report = await previews.dryRun(INFO, listWith(oddRecipients()));
    expect(report).toEqual({
      numRecipients: odd.length + 5,
      numMessages: 5 + mailed,
      skipped: { invalid_recipient: alwaysOdd.length - 1, invalid_address: 1 },
      failed: {},
    });
    for (const { entry, code } of alwaysOdd) {
      await expect(previews.preview(INFO, entry as Recipient)).rejects.toMatchObject({
        code: 'MAILING_RECIPIENT_SKIPPED',
        reason: code,
      });
    }
  });

  it('whose data is read while the message is made costs itself only', async () => {
    const app = await rig.boot({}, { templates: { 'letter.hbs': '{{shop.name}}' } });
    const shop = Object.defineProperty({}, 'name', {
      get: () => {
        throw new Error('no name');
      },
    });
    const list = [{ email: 'odd@home.example', data: { shop } }, ...people(3)];
    const { completed } = await app.sender.sendEmailMessage(INFO, list);
    expect(await completed).toMatchObject({ status: 'completed', numSent: 3, numErrors: 1 });
  });
});
