import { MailingHealth, MailingSuppressions } from 'nestjs-mailing';
import { MailingTesting, MailingTestingTimeoutError } from 'nestjs-mailing/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { NewsHost, people } from './news.host.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

describe('failures and the clock of a test', () => {
  const host = NewsHost.forEachTest();
  const status = async (mailingId: string): Promise<unknown> => (await host.query.get(mailingId))?.status;

  it('a temporary refusal is tried again when its time has come, and not before', async () => {
    // Delays are drawn: half of 5 minutes, then.
    const drawn = vi.spyOn(Math, 'random').mockReturnValue(0.5);
    onTestFinished(() => drawn.mockRestore());
    await host.start();
    host.mailing.failNext('temporary');
    const mailingId = await host.send(people(2));
    await host.mailing.flush();
    expect(host.reached).toEqual(['reader-2@home.example']);
    expect(await status(mailingId)).toBe('in_progress');
    host.mailing.clock.advance(2 * MINUTE_MS);
    await host.mailing.flush();
    expect(host.reached).toHaveLength(1);
    host.mailing.clock.advance(MINUTE_MS);
    await host.mailing.flush();
    expect(host.reached).toEqual(['reader-2@home.example', 'reader-1@home.example']);
    expect(await status(mailingId)).toBe('completed');
  });

  it('the same for a mailing that is not persisted', async () => {
    await host.start();
    host.mailing.failNext('temporary');
    const { completed } = await host.sender.sendEmailMessage(
      { templateUrl: 'news.hbs', subject: 'News', from: 'news@shop.example' },
      people(2),
      { persist: false },
    );
    await host.mailing.flush();
    expect(host.reached).toEqual(['reader-2@home.example']);
    host.mailing.clock.advance(HOUR_MS);
    await host.mailing.flush();
    expect(host.reached).toEqual(['reader-2@home.example', 'reader-1@home.example']);
    expect(await completed).toMatchObject({ status: 'completed', numSent: 2 });
  });

  it('a permanent refusal, a reply of its own and a lost answer end as an error, another one and in doubt', async () => {
    await host.start();
    host.mailing.failNext('permanent');
    host.mailing.failNext({ code: 552, text: '5.2.2 Mailbox full' });
    host.mailing.failNext('unanswered');
    const mailingId = await host.send(people(4));
    await host.mailing.flush();
    const recipients = await host.query.recipients(mailingId);
    expect(recipients.map(({ status: one, errorCode }) => [one, errorCode])).toEqual([
      ['error', '5.1.1'],
      ['error', '5.2.2'],
      ['in_doubt', 'ECONNECTION'],
      ['sent', null],
    ]);
    expect(recipients[1].errorText).toContain('Mailbox full');
    // The mail server got the one whose answer was lost.
    expect(host.reached).toEqual(['reader-3@home.example', 'reader-4@home.example']);
  });

  it('failures of several messages come one after the other', async () => {
    await host.start();
    host.mailing.failNext('permanent', 2);
    const mailingId = await host.send(people(3));
    await host.mailing.flush();
    expect(await host.query.get(mailingId)).toMatchObject({ numSent: 1, numErrors: 2 });
  });

  it('a mail server out of reach is tried again, and after the timeout the mailing pauses and goes on by itself', async () => {
    await host.start();
    host.mailing.failNext('unreachable', 3);
    const mailingId = await host.send(people(1));
    await host.mailing.flush();
    expect(await status(mailingId)).toBe('in_progress');
    host.mailing.clock.advance(HOUR_MS);
    await host.mailing.flush();
    expect(host.reached).toEqual([]);
    expect(await status(mailingId)).toBe('paused');
    host.mailing.clock.advance(HOUR_MS);
    await host.mailing.flush();
    expect(host.reached).toEqual(people(1));
    expect(await status(mailingId)).toBe('completed');
  });

  it('a mailing with sendAt begins at that time, and its result is there at once', async () => {
    // Without flush, the result would be looked for with the next heartbeat.
    await host.start({ server: { heartbeatIntervalMs: 600_000 } });
    const sendAt = new Date(host.mailing.clock.now() + 2 * HOUR_MS);
    const info = { templateUrl: 'news.hbs', subject: 'News', from: 'news@shop.example' };
    const { mailingId, completed } = await host.sender.sendEmailMessage(info, people(1), { sendAt });
    host.mailing.clock.advance(HOUR_MS);
    await host.mailing.flush();
    expect(await status(mailingId as string)).toBe('pending');
    host.mailing.clock.advance(HOUR_MS);
    await host.mailing.flush();
    expect(await completed).toMatchObject({ status: 'completed', numSent: 1 });
  });

  it('a mailing that could not begin in time waits for a person', async () => {
    await host.start();
    const sendAt = new Date(host.mailing.clock.now() + HOUR_MS);
    const mailingId = await host.send(people(1), {}, { sendAt, doNotStartAfter: sendAt });
    host.mailing.clock.advance(2 * HOUR_MS);
    await host.mailing.flush();
    expect(await host.query.get(mailingId)).toMatchObject({ status: 'pending', numSent: 0 });
    expect((await host.query.get(mailingId))?.statusReason).not.toBeNull();
    await host.sender.resume(mailingId);
    await host.mailing.flush();
    expect(host.reached).toEqual(people(1));
  });

  it('a mailing in batches, with one recipient to be tried again', async () => {
    await host.start({ batch: { emailsPerBatch: 2, pollIntervalMs: 600_000 } });
    host.mailing.failNext('temporary');
    const mailingId = await host.send(people(5), { batched: true });
    await host.mailing.flush();
    expect(host.reached).toHaveLength(4);
    host.mailing.clock.advance(HOUR_MS);
    await host.mailing.flush();
    expect([...host.reached].sort()).toEqual(people(5));
    expect(await status(mailingId)).toBe('completed');
  });

  it('a paused mailing and one of a server without batches are not waited for', async () => {
    await host.start({ enabledAsTemplateMailServer: false });
    host.mailing.failNext('temporary');
    const paused = await host.send(people(1));
    await host.mailing.flush();
    await host.sender.pause(paused);
    const batched = await host.send(people(1), { batched: true });
    await host.mailing.flush();
    expect([await status(paused), await status(batched)]).toEqual(['paused', 'pending']);
  });

  it('what keeps flush waiting is named when its time is over', async () => {
    await host.start();
    let answer = (): void => {};
    const asked = new Promise<void>((resolve) => (answer = resolve));
    async function* slow(): AsyncGenerator<string> {
      yield 'ann@home.example';
      await asked;
    }
    const sending = host.sender.sendEmailMessage(
      { templateUrl: 'news.hbs', subject: 'News', from: 'news@shop.example' },
      slow(),
      { persist: true },
    );
    const error: unknown = await host.mailing.flush({ timeoutMs: 1_000 }).catch((thrown: unknown) => thrown);
    answer();
    await sending;
    expect(error).toBeInstanceOf(MailingTestingTimeoutError);
    expect((error as Error).message).toContain('sendEmailMessage has not resolved');
    await host.mailing.flush();
  });

  it('nothing of one test is seen in another', async () => {
    await host.start();
    const other = new MailingTesting();
    await host.send(people(1));
    await host.mailing.flush();
    expect(other.sentMessages()).toEqual([]);
    expect(other.clock.aheadMs).toBe(0);
    await host.app.get(MailingSuppressions, { strict: false }).suppress('reader-1@home.example', 'complaint');
    expect(await host.app.get(MailingHealth, { strict: false }).check()).toMatchObject({ findings: [] });
  });
});
