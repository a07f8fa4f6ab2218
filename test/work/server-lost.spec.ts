import { MailServer } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { MailingClaims } from '../../libs/mailing/src/store/mailing-claims.js';
import { forEachDatabase } from '../support/for-each-database.js';
import { MailingRig } from '../support/mailing-rig.js';
import { waitUntil } from '../support/wait-until.js';

forEachDatabase('a server that is declared dead', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('F2 while its claim is being committed, registers again and goes on with the mailing', async () => {
    const app = await rig.boot();
    let lost = 0;
    app.events.on('server:lost', () => lost++);
    const claims = app.nest.get(MailingClaims, { strict: false });
    const claim = claims.claim.bind(claims);
    claims.claim = async (...parts) => {
      claims.claim = claim;
      const held = await claim(...parts);
      await rig.database.dataSource.getRepository(MailServer).delete({ uniqServerId: 'test:1' });
      await waitUntil(() => lost === 1, { what: 'the server to notice' });
      return held;
    };
    const mailingId = await rig.send(app, 5);
    await rig.reached(mailingId, 'completed');
    expect(lost).toBe(1);
    await rig.assertAllSent(mailingId, 5);
  });

  it('F2 in mid-mailing, stops its run before the next message, and recovers the mailing like anybody', async () => {
    const app = await rig.boot();
    const ends: string[] = [];
    app.events.on('run:lost', () => ends.push('lost'));
    app.events.on('run:recovered', () => ends.push('recovered'));
    const mailingId = await rig.send(app, 200);
    await rig.inbox.waitFor(30);
    await rig.database.dataSource.getRepository(MailServer).delete({ uniqServerId: 'test:1' });
    await rig.reached(mailingId, 'completed');
    expect(ends).toEqual(['lost', 'recovered']);
    const { byStatus } = await rig.books(mailingId);
    expect(byStatus.in_doubt ?? 0).toBeLessThanOrEqual(10);
    expect((byStatus.sent ?? 0) + (byStatus.in_doubt ?? 0)).toBe(200);
    expect([...rig.inbox.countsByRecipient().values()].every((copies) => copies === 1)).toBe(true);
  });
});
