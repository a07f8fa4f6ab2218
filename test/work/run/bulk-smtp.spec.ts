import { BulkSmtpUnsupportedError, TransporterMissingError } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';

forEachDatabase('bulkSmtp', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('sends to each recipient once, records the same, and a refusal affects only the recipient that it names', async () => {
    rig.inbox.answer = ({ command, to }) =>
      command === 'RCPT' && /reader[37]@/.test(to.at(-1) ?? '')
        ? { code: 550, text: '5.1.1 gone' }
        : undefined;
    const app = await rig.boot({ bulkSmtp: true });
    const { completed } = await app.sender.sendEmailMessage(INFO, people(40), false, true);
    expect(await completed).toMatchObject({ numSent: 38, numErrors: 2, numSkipped: 0 });
    expect([...rig.inbox.countsByRecipient().values()]).toEqual(Array(38).fill(1));
    const { subject, html, text, headers } = await rig.inbox.messages[0].parsed();
    expect({ subject, hasBoth: Boolean(html && text) }).toEqual({ subject: 'Hello', hasBoth: true });
    expect(headers.get('x-mailing-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('continues after an outage of the mail server', async () => {
    let isDown = true;
    rig.inbox.answer = ({ command }) =>
      isDown && command === 'CONNECT' ? { code: 421, text: 'going down' } : undefined;
    const app = await rig.boot({ bulkSmtp: true, retry: { initialDelayMs: 20 } });
    const { completed } = await app.sender.sendEmailMessage(INFO, people(10), true, true);
    await rig.inbox.waitFor(({ connections }) => connections.total > 1);
    isDown = false;
    expect(await completed).toMatchObject({ numSent: 10 });
  });
});

describe('bulkSmtp', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it.each([
    ['a DKIM key', { dkim: { domainName: 'shop.example', keySelector: 'a', privateKey: 'x' } }],
    ['a proxy', { proxy: 'socks5://127.0.0.1:1080' }],
    ['LMTP', { lmtp: true }],
    ['getSocket', { getSocket: () => undefined }],
    ['run.ratePerSecond', { rateLimit: 5 }],
    ['JSONTransport', { url: undefined, pool: undefined, jsonTransport: true }],
  ])('is refused at start where the mailer has %s', async (words, transport) => {
    const starting = rig.boot({ bulkSmtp: true }, { transport });
    await expect(starting).rejects.toThrow(BulkSmtpUnsupportedError);
    await expect(starting).rejects.toThrow(words);
  });

  it('is refused where the mailer has no such transport', async () => {
    await expect(rig.boot({ bulkSmtp: true, transporterName: 'other' })).rejects.toThrow(
      TransporterMissingError,
    );
  });

  it('has to be a boolean', async () => {
    await expect(rig.boot({ bulkSmtp: 'yes' as unknown as boolean })).rejects.toThrow('bulkSmtp');
  });
});
