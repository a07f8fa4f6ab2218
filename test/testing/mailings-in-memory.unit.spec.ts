import { describe, expect, it } from 'vitest';
import { NewsHost, people } from './news.host.js';

describe('mailings in memory', () => {
  const host = NewsHost.forEachTest();

  it('keeps what was sent, in order, with all parts of each message', async () => {
    await host.start();
    const attachments = [{ filename: 'list.txt', content: 'one\ntwo' }];
    await host.send(people(3), { attachments, headers: { 'X-Campaign': 'spring' } });
    await host.mailing.flush();
    expect(host.reached).toEqual(people(3));
    const [first] = host.mailing.sentMessages();
    expect(first).toMatchObject({
      from: 'news@shop.example',
      html: '<p>Dear : 10 %</p>',
      envelope: { from: 'news@shop.example', to: ['reader-1@home.example'] },
    });
    expect(first.headers).toMatchObject({ 'x-campaign': 'spring', 'message-id': first.messageId });
    expect(first.attachments).toMatchObject([{ filename: 'list.txt', content: Buffer.from('one\ntwo') }]);
    expect(first.raw).toContain('Dear : 10 %');
    expect(first.text).toContain('Dear : 10 %');
  });

  it('sends side by side where it is told to', async () => {
    await host.start({ run: { concurrency: 5 } });
    await host.send(people(12));
    await host.mailing.flush();
    expect([...host.reached].sort()).toEqual([...people(12)].sort());
  });

  it('goes on after a kill where it stopped', async () => {
    await host.start();
    host.mailing.killAfter(3);
    const mailingId = await host.send(people(6));
    await host.mailing.flush();
    expect(host.reached).toEqual(people(3));
    await host.app.close();

    await host.start();
    await host.mailing.flush();
    expect(host.reached).toEqual(people(6));
    expect(await host.query.get(mailingId)).toMatchObject({
      status: 'completed',
      numSent: 5,
      numErrors: 1,
    });
    const [doubt] = await host.query.recipients(mailingId, { status: 'in_doubt' });
    expect(doubt.email).toBe('reader-3@home.example');
  });
});
