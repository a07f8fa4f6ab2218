import { type Recipient, TemplateEmailPreview } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { oddRecipients } from '../../support/hosts/odd-recipients.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';
import { toldOf } from '../../support/told-of.js';

/** Each stands between two valid recipients. */
function listWith(invalid: { entry: unknown }[]): Recipient[] {
  return [...invalid.map(({ entry }) => entry as Recipient), ...people(5)];
}

forEachDatabase('an invalid entry of a list', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('is skipped alone, with a reason that has no address in it', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf });
    const told = toldOf(app);
    const invalid = oddRecipients();
    const { mailingId, numProfiles, numDuplicates, completed } = await app.sender.sendEmailMessage(
      INFO,
      listWith(invalid),
      { persist: true },
    );
    expect({ numProfiles, numDuplicates }).toEqual({ numProfiles: invalid.length + 5, numDuplicates: 0 });
    expect(await completed).toMatchObject({ status: 'completed', numSent: 5, numSkipped: invalid.length });
    const records = await app.query.recipients(mailingId as string, { status: 'skipped' });
    expect(records).toHaveLength(invalid.length);
    for (const [n, { what, code, says }] of invalid.entries()) {
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
    expect(told.lines.join()).toContain(`${invalid.length} invalid`);
    expect([...told.events, ...told.lines].filter((one) => one.includes('@'))).toEqual([]);
    expect([...rig.inbox.countsByRecipient().keys()].sort()).toEqual(people(5));
  });
});

describe('an invalid entry of a list', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const invalid = oddRecipients();
  const alwaysInvalid = invalid.filter(({ isOdd }) => isOdd === undefined);
  const mailed = invalid.length - alwaysInvalid.length;

  it('that is not persisted is skipped alone, and live objects in data are allowed', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf });
    const { completed } = await app.sender.sendEmailMessage(INFO, listWith(oddRecipients()));
    expect(await completed).toMatchObject({
      status: 'completed',
      numSent: 5 + mailed,
      numSkipped: alwaysInvalid.length,
    });
  });

  it('is counted by a preview under its reason, and has no preview', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf });
    const previews = app.nest.get(TemplateEmailPreview);
    const report = await previews.dryRun(INFO, listWith(oddRecipients()));
    expect(report).toEqual({
      numRecipients: invalid.length + 5,
      numMessages: 5 + mailed,
      skipped: { invalid_recipient: alwaysInvalid.length - 1, invalid_address: 1 },
      failed: {},
    });
    for (const { entry, code } of alwaysInvalid) {
      await expect(previews.preview(INFO, entry as Recipient)).rejects.toMatchObject({
        code: 'MAILING_RECIPIENT_SKIPPED',
        reason: code,
      });
    }
  });

  it('whose data is read while the message is made is skipped alone', async () => {
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
