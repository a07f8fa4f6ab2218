import { setTimeout as delay } from 'node:timers/promises';
import { MailBatch } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { forEachServer } from '../support/databases/for-each-database.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { waitUntil } from '../support/wait-until.js';
import { besideAnswers } from './processes/beside-answers.js';
import { BATCH_THREADS, MailServers } from './processes/mail-servers.js';

const RECIPIENTS = 240;
const ANSWER_MS = 20;

/** The split may come during a commit, and then only such a limit releases the locks while it lasts. */
forEachServer('a server that a network partition cuts off from its database', (kind) => {
  const servers = MailServers.forEachTest(kind, ({ command }) =>
    command === 'END' ? delay(ANSWER_MS) : undefined,
  );

  it(
    'F2 loses its batches to another server, and takes batches again when the network is back',
    { timeout: 90_000 },
    async () => {
      await using proxy = await TcpProxy.start(servers.database.url);
      const split = await servers.startServer('split:1', { databaseUrl: proxy.url });
      const mailingId = await split.send(RECIPIENTS);
      await servers.inbox.waitFor(40);
      proxy.split();
      const heir = await servers.startServer('heir:2');
      // Its process lives, so only its lease shows that it is lost.
      await heir.reported('server:pruned');
      await heir.completed(mailingId);
      const slices = heir.countOf('batch:freed');
      expect(slices).toBeGreaterThan(0);
      expect(slices).toBeLessThanOrEqual(BATCH_THREADS);
      await servers.judge(mailingId, RECIPIENTS, slices);
      const received = servers.inbox.messages.length;
      const { dataSource } = servers.database;
      const order = { startIdx: 'ASC' } as const;
      const batches = async (): Promise<object[]> =>
        besideAnswers(await dataSource.getRepository(MailBatch).find({ where: { mailingId }, order }));
      const before = await batches();

      proxy.heal();
      await split.reported('server:lost');
      await waitUntil(() => split.countOf('server:registered') === 2, { what: 'it to register again' });
      const started = split.countOf('batch:started');
      await heir.stop();
      const next = await split.send([{ email: 'late@home.example', name: 'Late' }]);
      await split.completed(next);
      expect(split.countOf('batch:started')).toBe(started + 1);
      expect(servers.inbox.messages).toHaveLength(received + 1);
      expect(await batches()).toEqual(before);
    },
  );
});
