import { expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';

const CALLS = 10;

forEachDatabase('the first calls after a start', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('may come at the same moment in any number, and each is carried out', async () => {
    const app = await rig.boot();

    const calls = await Promise.allSettled(
      Array.from({ length: CALLS }, (_, n) =>
        app.sender.sendEmailMessage(INFO, [`reader${n}@home.example`], true, true),
      ),
    );

    expect(calls.filter(({ status }) => status === 'rejected')).toEqual([]);
    await rig.inbox.waitFor(CALLS);
    expect([...rig.inbox.countsByRecipient().values()]).toEqual(Array.from({ length: CALLS }, () => 1));
  });
});
