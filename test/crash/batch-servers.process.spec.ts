import { setTimeout as delay } from 'node:timers/promises';
import { EmailAddress, MailBatch } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import type { NewsletterService } from '../support/hosts/newsletter-service.js';
import type { SmtpStep } from '../support/network/smtp-step.js';
import { waitUntil } from '../support/wait-until.js';
import { besideAnswers } from './processes/beside-answers.js';
import { HeldAnswers } from './processes/held-answers.js';
import { BATCH_THREADS, MailServers } from './processes/mail-servers.js';
import { stopProcess } from './processes/stopped-process.js';

const ANSWER_MS = 20;
const slowly = ({ command }: SmtpStep): Promise<void> | undefined =>
  command === 'END' ? delay(ANSWER_MS) : undefined;

/** Up to seven processes are started, which is slow on a busy machine. */
const TIMEOUT = { timeout: 90_000 };

forEachDatabase('servers that share a mailing', (kind) => {
  const servers = MailServers.forEachTest(kind, slowly);

  it(
    'F1 are killed all at once: a server that takes no batches frees them, and another one sends the rest',
    TIMEOUT,
    async () => {
      const all = await Promise.all(['a:1', 'b:2', 'c:3'].map((id) => servers.startServer(id)));
      const mailingId = await all[0].send(240);
      await servers.inbox.waitFor(60);
      await Promise.all(all.map((server) => server.kill()));
      const left = await servers.claimed();
      expect(left.length).toBeGreaterThan(0);

      const clerk = await servers.startServer('clerk:4', { takesBatches: false });
      await waitUntil(async () => (await servers.claimed()).length === 0, {
        what: 'the batches to be freed',
      });
      const received = servers.inbox.messages.length;
      await servers.heartbeats('clerk:4', 3);
      expect([clerk.countOf('batch:freed'), servers.inbox.messages.length]).toEqual([left.length, received]);

      const back = await servers.startServer('a:1');
      await back.completed(mailingId);
      await servers.judge(mailingId, 240, left.length);
    },
  );

  it(
    'F7 are replaced one by one by orderly restarts: each recipient gets one copy, and none is in doubt',
    TIMEOUT,
    async () => {
      let running = await Promise.all(['a:1', 'b:2', 'c:3'].map((id) => servers.startServer(id)));
      const mailingId = await running[0].send(360);
      await servers.inbox.waitFor(30);
      for (const id of ['d:4', 'e:5', 'f:6']) {
        const [oldest, ...others] = running;
        const next = await servers.startServer(id);
        await oldest.stop();
        running = [...others, next];
      }
      await running[0].completed(mailingId);
      const { received, inDoubt } = await servers.judge(mailingId, 360, 0);
      expect([received, inDoubt]).toEqual([360, 0]);
      // No batch had to be recovered: unfinished ones were released.
      expect(running.map((server) => server.countOf('batch:freed'))).toEqual([0, 0, 0]);
    },
  );
});

forEachDatabase('a server that was stopped for longer than its lease, with batches', (kind) => {
  const servers = MailServers.forEachTest(kind);

  /** Everything that is stored about the batches, except late answers to these recipients. */
  const rows = async (isAnswered: ReadonlySet<string>): Promise<object[]> => {
    const { dataSource } = servers.database;
    return besideAnswers(
      [
        ...(await dataSource.getRepository(MailBatch).find({ order: { startIdx: 'ASC' } })),
        ...(await dataSource.getRepository(EmailAddress).find({ order: { idx: 'ASC' } })),
      ],
      isAnswered,
    );
  };
  /** All messages in flight wait for answers, and everything else is committed. */
  const isIdle = async (server: HeldAnswers, mailingId: string): Promise<boolean> => {
    const { sending, sent } = (await readProgress(servers.database.dataSource, mailingId)).byStatus;
    const numHeld = server.recipients.length;
    const isWritten = sending === 10 * BATCH_THREADS && sent + numHeld === servers.inbox.messages.length;
    return numHeld === 5 * BATCH_THREADS && isWritten;
  };
  const lostRuns = (server: NewsletterService): boolean => server.countOf('run:fenced') === BATCH_THREADS;

  it(
    'F2 sends nothing, writes only the answers to recipients in doubt, and takes batches again',
    TIMEOUT,
    async () => {
      let ownConnections = Infinity;
      const { inbox } = servers;
      const held = new HeldAnswers(
        ({ connection }) => connection <= ownConnections && inbox.messages.length > 20,
      );
      inbox.answer = (step) => held.at(step);
      // Large enough that no batch ends before its answers are held back.
      const zombie = await servers.startServer('old:1', { env: { BATCH_SIZE: '40' } });
      const mailingId = await zombie.send(200);
      await waitUntil(() => isIdle(held, mailingId), { what: 'runs that wait for answers' });
      await stopProcess(zombie, servers.database);
      ownConnections = inbox.connections.total;

      const heir = await servers.startServer('new:2');
      await heir.completed(mailingId);
      expect(heir.countOf('batch:freed')).toBe(BATCH_THREADS);
      const isAnswered = new Set(held.recipients);
      const before = await rows(isAnswered);
      const received = inbox.messages.length;

      held.release();
      zombie.signal('SIGCONT');
      await waitUntil(() => lostRuns(zombie), { what: 'the runs to be lost' });
      await zombie.reported('server:lost');
      await waitUntil(() => zombie.countOf('server:registered') === 2, { what: 'it to register again' });
      expect(await rows(isAnswered)).toEqual(before);
      expect(inbox.messages).toHaveLength(received);
      // Five of ten were handed over, the others only marked.
      const numInDoubt = 5 * BATCH_THREADS;
      await waitUntil(
        async () =>
          (await readProgress(servers.database.dataSource, mailingId)).byStatus.in_doubt === numInDoubt,
        { what: 'the answers to settle what they can' },
      );
      expect(await rows(isAnswered)).toEqual(before);
      await servers.judge(mailingId, 200, BATCH_THREADS);

      await heir.stop();
      const next = await zombie.send([{ email: 'late@home.example', name: 'Late' }]);
      await zombie.completed(next);
      expect(inbox.messages.at(-1)?.to).toEqual(['late@home.example']);
      expect(inbox.messages).toHaveLength(received + 1);
    },
  );
});
