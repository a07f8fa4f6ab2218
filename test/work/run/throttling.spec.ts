import { expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';

/** The largest number of arrivals in any window of one second. */
function busiestSecond(arrivals: number[]): number {
  let most = 0;
  for (let first = 0, last = 0; last < arrivals.length; last++) {
    while (arrivals[last] - arrivals[first] >= 1_000) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

forEachDatabase('a mail server that limits its load', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('B5 answers 454 above a rate: the mailing slows down, and all recipients are sent to in the end', async () => {
    let recent: number[] = [];
    rig.inbox.answer = ({ command }) => {
      if (command !== 'MAIL') return undefined;
      const now = performance.now();
      recent = recent.filter((at) => now - at < 1_000);
      if (recent.length >= 25)
        return { code: 454, text: 'Throttling failure: Maximum sending rate exceeded.' };
      recent.push(now);
      return undefined;
    };
    const app = await rig.boot();
    const told: number[] = [];
    app.events.on('transport:throttled', ({ concurrency }) => told.push(concurrency));
    const mailingId = await rig.send(app, 60);
    await rig.reached(mailingId, 'completed', 25_000);
    await rig.assertAllSent(mailingId, 60);
    expect(told[0]).toBe(2);
    const { recipients } = await rig.progress(mailingId);
    expect(recipients.every(({ attempts }) => attempts === 1)).toBe(true);
  });

  it('B6 allows two connections: fewer messages are sent at a time, and no recipient fails', async () => {
    let open = 0;
    rig.inbox.answer = ({ command, connection }) => {
      if (command !== 'CONNECT') return undefined;
      open = rig.inbox.connections.open;
      return open > 2 ? { code: 421, text: `4.7.0 too many connections (${connection})` } : undefined;
    };
    const app = await rig.boot();
    const mailingId = await rig.send(app, 60);
    await rig.reached(mailingId, 'completed', 25_000);
    await rig.assertAllSent(mailingId, 60);
  });

  it('B7 receives at most ratePerSecond messages in any second, over two mailings and a restart', async () => {
    const arrivals: number[] = [];
    rig.inbox.answer = ({ command }) => {
      if (command === 'END') arrivals.push(performance.now());
      return undefined;
    };
    const rate = { run: { ratePerSecond: 8, concurrency: 4 } };
    const first = await rig.boot(rate);
    const one = await rig.send(first, 20);
    const two = await first.sender.sendEmailMessage(INFO, people(12), { persist: true });
    await rig.inbox.waitFor(20);
    await first.close();
    await rig.boot(rate);
    await rig.reached(one, 'completed');
    await rig.reached(two.mailingId as string, 'completed');
    expect(arrivals).toHaveLength(32);
    expect(busiestSecond(arrivals)).toBeLessThanOrEqual(8);
  });

  it('B9 does not delay pause, cancel and stop while a run waits for the rate', async () => {
    const app = await rig.boot({ run: { ratePerSecond: 1, concurrency: 1, maxInDoubt: 4 } });
    const paused = await rig.send(app, 50);
    const canceled = await app.sender.sendEmailMessage(INFO, people(50), { persist: true });
    const stopped = await app.sender.sendEmailMessage(INFO, people(50), { persist: true });
    await rig.inbox.waitFor(1);
    await app.sender.pause(paused);
    await app.sender.cancel(canceled.mailingId as string);
    await rig.reached(paused, 'paused');
    await rig.reached(canceled.mailingId as string, 'canceled');
    await app.close();
    expect(await stopped.completed).toMatchObject({ status: 'pending' });
    expect(rig.inbox.messages.length).toBeLessThanOrEqual(4);
    for (const id of [paused, canceled.mailingId as string]) {
      expect((await rig.progress(id)).byStatus.sending ?? 0).toBe(0);
    }
  });

  it('refuses nearly all of the first recipients for one reason: the mailing pauses with the most frequent reason, and the rest is kept', async () => {
    rig.inbox.answer = ({ command, to }) => {
      if (command !== 'RCPT') return undefined;
      if (to[0] === 'reader3@home.example') return { code: 550, text: '5.1.1 no such user' };
      return { code: 550, text: '5.7.1 your domain is blocked here' };
    };
    const app = await rig.boot({ errorGuard: { sampleSize: 20 } });
    const mailingId = await rig.send(app, 400);
    const { statusReason } = await rig.reached(mailingId, 'paused');
    expect(statusReason).toMatch(
      /^error rate: 20 of the last 2[01] attempts failed with 5\.7\.1: .*blocked here/,
    );
    const { byStatus } = await rig.progress(mailingId);
    expect(byStatus.error).toBeGreaterThanOrEqual(20);
    expect(byStatus.error).toBeLessThanOrEqual(30);

    rig.inbox.answer = undefined;
    await app.sender.resume(mailingId);
    await app.sender.retry(mailingId, 'errors');
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 400);
  });

  it('refuses nearly all of the first recipients for one reason: skipped recipients do not count for the mailing', async () => {
    rig.inbox.answer = ({ command }) =>
      command === 'RCPT' ? { code: 550, text: '5.7.1 blocked' } : undefined;
    const app = await rig.boot({ errorGuard: { sampleSize: 10 } });
    const list = [...people(100), ...Array.from({ length: 20 }, () => 'nobody')];
    const { mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    expect((await rig.reached(mailingId as string, 'paused')).statusReason).toMatch(
      /^error rate: 10 of the last 10/,
    );
  });

  it('refuses a few bad addresses at the head of a list: the mailing continues', async () => {
    rig.inbox.answer = ({ command, to }) =>
      command === 'RCPT' && /reader[0-9]@/.test(to[0])
        ? { code: 550, text: '5.1.1 no such user' }
        : undefined;
    const app = await rig.boot({ errorGuard: { sampleSize: 20 } });
    const mailingId = await rig.send(app, 60);
    await rig.reached(mailingId, 'completed');
    const progress = await rig.progress(mailingId);
    assertProgressAddsUp(progress);
    expect(progress.byStatus).toEqual({ error: 10, sent: 50 });
  });
});
