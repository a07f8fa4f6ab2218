import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TransporterMissingError } from '../../libs/mailing/src/model/options/setup.errors.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { senderRig } from './sender-rig.js';

describe('a nodemailer pool with requeues', () => {
  let inbox: SmtpInbox;

  beforeEach(async () => {
    inbox = await SmtpInbox.start();
  });
  afterEach(() => inbox.close());

  it('requeues nothing once it is prepared, and reports this once', async () => {
    await using rig = await senderRig(inbox.url, { transport: { maxRequeues: 7 } });
    rig.sender.prepare();
    rig.sender.prepare();
    const { options } = rig.mailer.getTransporter().transporter as unknown as { options: object };
    expect(options).toMatchObject({ maxRequeues: 0 });
    expect(rig.disabled).toEqual([{ transporterName: null, was: 7 }]);
  });

  it('A21 sends a message once that the server accepted without an answer', async () => {
    await using rig = await senderRig(inbox.url, { transport: { maxRequeues: 7 } });
    rig.sender.prepare();
    inbox.answer = ({ command }) => (command === 'END' && inbox.messages.length === 1 ? 'close' : undefined);
    expect(await rig.send()).toMatchObject({ kind: 'unknown' });
    expect(await rig.send({ messageId: '<next@shop.example>' })).toEqual({ kind: 'accepted' });
    expect(inbox.messages.map(({ messageId }) => messageId)).toEqual([
      '<0197-mailing.4@shop.example>',
      '<next@shop.example>',
    ]);
  });

  it('leaves a transport without a pool unchanged, and sends through it', async () => {
    await using rig = await senderRig(inbox.url, { transport: { pool: false } });
    rig.sender.prepare();
    expect(rig.disabled).toEqual([]);
    expect(await rig.send()).toEqual({ kind: 'accepted' });
  });

  it('A21 distinguishes in doubt from not begun without a pool as well', async () => {
    await using rig = await senderRig(inbox.url, { transport: { pool: false } });
    rig.sender.prepare();
    inbox.answer = ({ command }) => (command === 'END' ? 'close' : undefined);
    expect(await rig.send()).toMatchObject({ kind: 'unknown' });
    inbox.answer = ({ command }) => (command === 'DATA' ? 'close' : undefined);
    expect(await rig.send()).toMatchObject({ kind: 'not_begun', blame: 'transport' });
  });

  it('uses the transport of the given name and no other', async () => {
    await using other = await SmtpInbox.start();
    await using rig = await senderRig(other.url, {
      transporterName: 'bulk',
      transports: { bulk: { url: inbox.url, pool: true, maxRequeues: 3 } },
    });
    rig.sender.prepare();
    expect(rig.disabled).toEqual([{ transporterName: 'bulk', was: 3 }]);
    expect(await rig.send()).toEqual({ kind: 'accepted' });
    expect([inbox.messages.length, other.messages.length]).toEqual([1, 0]);
  });

  it('reports at the start that there is no transport of that name', async () => {
    await using rig = await senderRig(inbox.url, { transporterName: 'bulk' });
    expect(() => rig.sender.prepare()).toThrow(TransporterMissingError);
    expect(() => rig.sender.prepare()).toThrow(/"bulk"/);
  });

  it('leaves the host’s own messages unchanged', async () => {
    await using rig = await senderRig(inbox.url);
    rig.sender.prepare();
    await rig.mailer.sendMail({
      from: 'a@shop.example',
      to: 'b@home.example',
      subject: 'Receipt',
      text: 'Paid',
    });
    expect(inbox.messages[0]).toMatchObject({ to: ['b@home.example'] });
  });
});
