import { type EmailMessageSender, type HandOver, Mailing, TemplateEmailPreview } from 'nestjs-mailing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';

const COUNT = 20;
const BULK = { ...INFO, transporterName: 'bulk' };

forEachDatabase('a mailing that names a transport of the mailer', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  let bulk: SmtpInbox;

  beforeEach(async () => {
    bulk = await SmtpInbox.start();
  });
  afterEach(() => bulk.close());

  /** A host whose mailer has a second transport. */
  const boot = (mailing: object = {}): Promise<MailingApp> => {
    const transports = { bulk: { url: bulk.url, pool: true } as object };
    return rig.boot(mailing, { mailer: { transports } });
  };
  const send = async (app: MailingApp, info: object): Promise<string> => {
    const { mailingId } = await app.sender.sendEmailMessage({ ...BULK, ...info }, people(COUNT), {
      persist: true,
    });
    return mailingId as string;
  };

  it.each([
    ['the mailer', {}, {}],
    ['bulkSmtp', { bulkSmtp: true }, {}],
    ['batches', { enabledAsTemplateMailServer: true }, { batched: true, batchSize: 5 }],
  ])('leaves by that one, and others by the usual one: by %s', async (_, mailing, info) => {
    const app = await boot(mailing);
    const named = await send(app, info);
    const usual = await send(app, { ...info, transporterName: undefined });
    for (const id of [named, usual]) await rig.reached(id, 'completed');
    for (const inbox of [bulk, rig.inbox]) {
      expect(inbox.messages).toHaveLength(COUNT);
      expect(inbox.countsByRecipient().size).toBe(COUNT);
    }
    const mailingIdOf = async (inbox: SmtpInbox): Promise<unknown> =>
      (await inbox.messages[0].parsed()).headers.get('x-mailing-id');
    expect([await mailingIdOf(bulk), await mailingIdOf(rig.inbox)]).toEqual([named, usual]);
  });

  it('waits while a restarted host has no such transport, delays no other, and goes on once it is there', async () => {
    const first = await boot({ run: { concurrency: 1 } });
    const mailingId = await send(first, {});
    await bulk.waitFor(3);
    await first.close();
    rig.apps = [];
    const second = await rig.boot();
    const { statusReason } = await rig.reached(mailingId, 'paused');
    expect(statusReason).toMatch(/^transport: .*a transport named "bulk", but it has none/);
    expect((await rig.progress(mailingId)).byStatus.pending).toBeGreaterThan(0);
    const usual = await rig.send(second, COUNT);
    await rig.reached(usual, 'completed');
    await second.close();
    rig.apps = [];
    await boot();
    await rig.reached(mailingId, 'completed');
    expect((await rig.progress(mailingId)).byStatus).toEqual({ sent: COUNT });
    expect([...bulk.countsByRecipient().values()]).toEqual(Array(COUNT).fill(1));
  });

  it('goes on when its own transport is back, while another one is still down', async () => {
    const app = await boot({ run: { transportOutageTimeoutMs: 0 } });
    const port = Number(new URL(bulk.url).port);
    await bulk.close();
    const usualIsBack = await rig.inboxDown();
    const named = await send(app, {});
    const usual = await rig.send(app, COUNT);
    for (const id of [named, usual]) await rig.reached(id, 'paused');
    const resumed: number[] = [];
    app.events.on('transport:recovered', ({ numResumed }) => void resumed.push(numResumed));
    bulk = await SmtpInbox.start({ port });
    await rig.reached(named, 'completed');
    expect(resumed).toEqual([1]);
    const mailings = rig.database.dataSource.getRepository(Mailing);
    expect(await mailings.findOneByOrFail({ id: usual })).toMatchObject({ status: 'paused' });
    await usualIsBack();
    await rig.reached(usual, 'completed', 25_000);
    await rig.assertAllSent(usual, COUNT);
  });
});

describe('a mailing that names a transport', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const refused = { code: 'MAILING_FIELD_INVALID', field: 'transporterName' };

  it('that the mailer does not have is refused at the request, previews and proofs included', async () => {
    const app = await rig.boot();
    for (const transporterName of ['bulk', '', 7 as never, null as never])
      await expect(
        app.sender.sendEmailMessage({ ...BULK, transporterName }, people(1)),
      ).rejects.toMatchObject(refused);
    await expect(
      app.sender.sendEmailMessage({ ...BULK, transporterName: 'b'.repeat(256) }, people(1)),
    ).rejects.toThrow('transporterName');
    const previews = app.nest.get(TemplateEmailPreview);
    await expect(previews.preview(BULK, 'ann@home.example')).rejects.toMatchObject(refused);
    const proof = previews.sendProof(BULK, 'ann@home.example', 'editor@shop.example');
    await expect(proof).rejects.toMatchObject(refused);
    expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(0);
  });

  it('has proofs that leave by it, too', async () => {
    await using bulk = await SmtpInbox.start();
    const app = await rig.boot({}, { mailer: { transports: { bulk: { url: bulk.url } as object } } });
    await app.nest.get(TemplateEmailPreview).sendProof(BULK, 'ann@home.example', 'editor@shop.example');
    expect([bulk.messages.length, rig.inbox.messages.length]).toEqual([1, 0]);
  });

  it('is refused where a message sender of the host takes the place of the mailer', async () => {
    class ShopSender implements EmailMessageSender {
      send = async (): Promise<HandOver> => ({ kind: 'accepted' });
      probe = async (): Promise<null> => null;
    }
    const app = await rig.boot({ messageSender: ShopSender });
    await expect(app.sender.sendEmailMessage(BULK, people(1))).rejects.toMatchObject(refused);
  });
});
