import { describe, expect, it } from 'vitest';
import { MailingRig } from '../../support/hosts/mailing-rig.js';
import { ScriptedSmtpServer, takesAll } from '../../support/network/scripted-smtp.server.js';

describe('a mail server that quotes the recipient in an answer of several lines', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('no event and no finding shows the address, and the row of the recipient keeps the reply', async () => {
    await using server = await ScriptedSmtpServer.start(
      takesAll((line) => {
        const to = /^RCPT TO:(<.*>)/.exec(line)?.[1];
        return to && `550-5.7.1 ${to} blocked\r\n550 5.7.1 for good\r\n`;
      }),
    );
    const app = await rig.boot({ errorGuard: { sampleSize: 5 } }, { smtpUrl: server.url });
    const reasons: string[] = [];
    app.events.on('mailing:paused', ({ reason }) => reasons.push(reason));
    const mailingId = await rig.send(app, 30);
    const { statusReason } = await rig.reached(mailingId, 'paused');
    expect(statusReason).toMatch(
      /^error rate: 5 of the last 5 attempts failed with 5\.7\.1: .*<\(an address\)> blocked.*for good$/,
    );
    const { findings } = await app.health.check();
    expect(findings.map(({ code }) => code)).toEqual(['mailings_paused']);
    await expect.poll(() => reasons).toEqual([statusReason]);
    expect(JSON.stringify([reasons, findings])).not.toMatch(/@|\\n/);
    const refused = await app.query.recipients(mailingId, { status: 'error' });
    expect(refused[0].errorText).toContain('<reader0@home.example> blocked');
    // As an older version wrote it.
    await rig.database.dataSource.query(
      "UPDATE dps_mailing SET status_reason = 'error rate: <ann@home.example>\n no'",
    );
    expect((await app.health.check()).findings[0].message).toContain('(error rate: <(an address)> no)');
  });
});
