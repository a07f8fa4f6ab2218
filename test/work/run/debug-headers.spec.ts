import { TemplateEmailPreview } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';

const NAMES = ['X-Mailing-Server', 'X-Mailing-Run'];

forEachDatabase('headers for debugging', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  const received = (): (string | undefined)[][] =>
    rig.inbox.messages.map((message) => [...message.to, ...NAMES.map((name) => message.header(name))]);

  it('are off by default, and no mailing writes them itself', async () => {
    const { sender } = await rig.boot();
    await sender.sendEmailMessage(INFO, people(1), false, true);
    expect(received()).toEqual([['reader0@home.example', undefined, undefined]]);
    for (const name of NAMES) {
      const forged = { ...INFO, headers: { [name.toLowerCase()]: 'x' } };
      await expect(sender.sendEmailMessage(forged, people(1))).rejects.toMatchObject({
        code: 'MAILING_FIELD_INVALID',
      });
    }
  });

  it.each([false, true])('name the server, the process and the batch (bulkSmtp: %s)', async (bulkSmtp) => {
    const app = await rig.boot({
      uniqServerId: 'mail-ä\n1:8851',
      debugHeaders: true,
      bulkSmtp,
      enabledAsTemplateMailServer: true,
    });
    // An encoded word (RFC 2047), as in any header that is not ASCII.
    const server = '=?UTF-8?Q?mail-=C3=A4_1=3A8851?=';
    const run = `pid=${process.pid}`;
    await app.sender.sendEmailMessage(INFO, people(1), false, true);
    await app.sender.sendEmailMessage(INFO, people(1), false);
    const batched = { ...INFO, batched: true, batchSize: 2 };
    const { completed } = await app.sender.sendEmailMessage(batched, people(4), { persist: true });
    await completed;
    const lines = received().map((one) => one.join(' | '));
    expect(lines.sort()).toEqual([
      `reader0@home.example | ${server} | ${run}`,
      `reader0@home.example | ${server} | ${run}`,
      ...[0, 1, 2, 3].map((n) => `reader${n}@home.example | ${server} | ${run}; batch=${n < 2 ? 0 : 2}`),
    ]);
    const { headers } = await app.nest.get(TemplateEmailPreview).preview(INFO, 'ann@home.example');
    expect(headers).toMatchObject({ 'X-Mailing-Server': 'mail-ä 1:8851', 'X-Mailing-Run': run });
  });
});
