import { ApiMessageSender } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { postSender } from '../../support/hosts/post-sender.js';
import { EmailApiServer } from '../../support/network/email-api.server.js';

const COUNT = 40;

forEachDatabase('a mailing that leaves by an HTTP API', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  let api: EmailApiServer;

  beforeEach(async () => {
    api = await EmailApiServer.start();
  });
  afterEach(() => api.close());

  const boot = (mailing: object = {}): Promise<MailingApp> => {
    const post = { provide: ApiMessageSender, useFactory: () => postSender(api.url) };
    class PostModule {}
    const imports = [{ module: PostModule, providers: [post] }];
    return rig.boot({ messageSender: ApiMessageSender, ...mailing }, { withoutMailer: true, imports });
  };
  const assertOneEach = (): void => {
    expect([...api.countsByRecipient().keys()].sort()).toEqual((people(COUNT) as string[]).sort());
    expect(api.accepted).toHaveLength(COUNT);
  };

  it('sends again what it lost the answer of, under the same key, and the API discards it', async () => {
    const lost = new Set<string>();
    api.reply = ({ to }) => {
      const isFirst = Number(/\d+/.exec(to)![0]) % 8 === 0 && !lost.has(to);
      if (isFirst) lost.add(to);
      return isFirst ? 'lost' : 'accept';
    };
    const app = await boot({ inDoubt: 'resend', retry: { initialDelayMs: 10, maxDelayMs: 20 } });
    const mailingId = await rig.send(app, COUNT);
    await rig.reached(mailingId, 'completed');
    const progress = await rig.progress(mailingId);
    assertProgressAddsUp(progress);
    expect(progress.byStatus).toEqual({ sent: COUNT });
    assertOneEach();
    expect(lost.size).toBe(5);
    expect(api.requests).toHaveLength(COUNT + lost.size);
    expect(new Set(api.requests.map(({ key }) => key)).size).toBe(COUNT);
  });

  it('records what it lost the answer of as in doubt where nothing may be sent again', async () => {
    api.reply = ({ to }) => (to === 'reader3@home.example' ? 'lost' : 'accept');
    const app = await boot();
    const mailingId = await rig.send(app, COUNT);
    await rig.reached(mailingId, 'completed');
    expect((await rig.progress(mailingId)).byStatus).toEqual({ sent: COUNT - 1, in_doubt: 1 });
    expect(api.requests).toHaveLength(COUNT);
  });

  it('pauses while the API key is wrong, charges no recipient, and goes on by itself', async () => {
    api.reply = () => 401;
    const app = await boot({ run: { transportOutageTimeoutMs: 0 } });
    const mailingId = await rig.send(app, COUNT);
    const { statusReason } = await rig.reached(mailingId, 'paused');
    expect(statusReason).toBe('transport: 401 Unauthorized: {"error":"refused"}');
    expect((await rig.progress(mailingId)).byStatus).toEqual({ pending: COUNT });
    api.reply = () => 'accept';
    await rig.reached(mailingId, 'completed');
    assertOneEach();
    expect((await rig.progress(mailingId)).recipients.every(({ attempts }) => attempts === 1)).toBe(true);
  });

  it('waits as long as the API asks to', async () => {
    const askedAt: number[] = [];
    api.reply = (_, nth) => {
      askedAt.push(performance.now());
      return nth === 3 ? { status: 429, headers: { 'retry-after': '2' } } : 'accept';
    };
    const app = await boot({ run: { concurrency: 1 } });
    const mailingId = await rig.send(app, COUNT);
    await rig.reached(mailingId, 'completed');
    assertOneEach();
    expect(askedAt[3] - askedAt[2]).toBeGreaterThan(1_900);
    expect((await rig.progress(mailingId)).recipients.every(({ attempts }) => attempts === 1)).toBe(true);
  });

  it('records a message that the API refuses, with its code', async () => {
    api.reply = ({ to }) =>
      to === 'reader7@home.example' ? { status: 422, headers: {}, body: 'blocked' } : 'accept';
    const app = await boot();
    const mailingId = await rig.send(app, COUNT);
    await rig.reached(mailingId, 'completed');
    const failed = await app.query.recipients(mailingId, { status: 'error' });
    expect(failed).toMatchObject([
      { email: 'reader7@home.example', errorCode: '422', errorText: '422 Unprocessable Entity: blocked' },
    ]);
    expect(api.accepted).toHaveLength(COUNT - 1);
  });
});
