import { MailingSuppressions } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';

/** The text between a plus sign and the @ is a tag of the recipient's own. */
const withoutTag = (address: string): string => address.replace(/\+[^@]*@/, '@');

forEachDatabase('addresses', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const mailed = (): string[] => [...rig.inbox.countsByRecipient().keys()].sort();

  it('are one mailbox where the host’s normalizer maps them to one: in lists, profiles and suppressions', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf, addresses: { normalizer: withoutTag } });
    await app.nest.get(MailingSuppressions, { strict: false }).suppress('gone+shop@home.example', 'asked');
    const list = [
      'ann+news@home.example',
      'Ann+Sales@home.example',
      'gone@home.example',
      ...ProfileShelf.fill(3, (n) => ['ann@home.example', 'bob+a@home.example', 'bob+b@home.example'][n]),
    ];
    const { completed, mailingId, numDuplicates } = await app.sender.sendEmailMessage(INFO, list, {
      persist: true,
    });
    expect(numDuplicates).toBe(1);
    expect(await completed).toMatchObject({ numSent: 2, numSkipped: 3 });
    assertProgressAddsUp(await rig.progress(mailingId as string));
    // Spelled as it was given.
    expect(mailed()).toEqual(['ann+news@home.example', 'bob+a@home.example']);
  });

  it('keep their dots and plus signs where no normalizer says otherwise', async () => {
    const app = await rig.boot();
    const list = ['ann+a@home.example', 'ann+b@home.example', 'a.nn@home.example', 'ann@home.example'];
    const { completed } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    expect(await completed).toMatchObject({ numSent: 4 });
    expect(mailed()).toEqual([...list].sort());
  });
});

describe('addresses that are not ASCII before the @', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const list = ['josé@home.example', 'ann@home.example', 'zoë@bücher.example'];

  it('C5 are skipped with the reason, and others are sent to, although a server without SMTPUTF8 would accept anything', async () => {
    await using careless = await SmtpInbox.start({ server: { hideSMTPUTF8: true } });
    const app = await rig.boot({}, { smtpUrl: careless.url });
    const { completed, mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    expect(await completed).toMatchObject({ numSent: 1, numSkipped: 2 });
    expect([...careless.countsByRecipient().keys()]).toEqual(['ann@home.example']);
    const { recipients } = await rig.progress(mailingId as string);
    expect(recipients.map(({ errorCode }) => errorCode)).toEqual([
      'unicode_local_part',
      null,
      'unicode_local_part',
    ]);
    expect(recipients[0].errorText).toContain('addresses.unicodeLocalParts');
  });

  it('C5 are sent to where the host says that its servers offer SMTPUTF8', async () => {
    const app = await rig.boot({ addresses: { unicodeLocalParts: 'send' } });
    const { completed } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    expect(await completed).toMatchObject({ numSent: 3 });
    expect([...rig.inbox.countsByRecipient().keys()].sort()).toEqual(
      ['josé@home.example', 'ann@home.example', 'zoë@xn--bcher-kva.example'].sort(),
    );
  });
});
