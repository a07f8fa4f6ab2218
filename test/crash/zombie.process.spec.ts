import { EmailAddress, Mailing } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { besideAnswers } from './processes/beside-answers.js';
import { readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { NewsletterService } from '../support/hosts/newsletter-service.js';
import { readerAddresses } from '../support/hosts/reader-list.js';
import { waitUntil } from '../support/wait-until.js';
import { HeldAnswers } from './processes/held-answers.js';
import { assertPromiseKept } from './processes/promise.js';
import { stopProcess } from './processes/stopped-process.js';
import { ServiceRig } from './processes/service-rig.js';

const RECIPIENTS = 120;
/** Connections of one process, and so the maximum of messages in flight. */
const CONCURRENCY = 5;
const SHORT_LEASE = {
  MAILING_HEARTBEAT_INTERVAL_MS: '200',
  MAILING_LEASE_MS: '1000',
  // It may be stopped in a transaction.
  MAILING_IDLE_TRANSACTION_TIMEOUT_MS: '1000',
};
const LOST = /another server works on it now; nothing more is written or sent for it here/g;

forEachDatabase('a process that was stopped for longer than its lease', (kind) => {
  const rig = ServiceRig.forEachTest(kind);

  const start = (
    serverId: string,
    policy: string,
    env?: Record<string, string>,
  ): Promise<NewsletterService> =>
    rig.start({ serverId, env: { ...SHORT_LEASE, MAILING_IN_DOUBT: policy, ...env } });

  /** Everything that is stored about a mailing, except the outcomes of these recipients. */
  const rowsOf = async (mailingId: string, isKnown: ReadonlySet<string>): Promise<object[]> => {
    const { dataSource } = rig.database;
    const order = { idx: 'ASC' } as const;
    return besideAnswers(
      [
        await dataSource.getRepository(Mailing).findOneByOrFail({ id: mailingId }),
        ...(await dataSource.getRepository(EmailAddress).find({ where: { mailingId }, order })),
      ],
      isKnown,
    );
  };

  const inDoubt = async (mailingId: string): Promise<string[]> => {
    const { recipients } = await readProgress(rig.database.dataSource, mailingId);
    const found = (recipients as EmailAddress[]).filter(({ status }) => status === 'in_doubt');
    return found.map(({ emailAddress }) => emailAddress);
  };

  /** Waits until so many messages wait for answers and every other outcome is committed, so the run has nothing to write. */
  const isIdle = async (held: HeldAnswers, mailingId: string, unanswered: number): Promise<boolean> => {
    if (held.recipients.length < CONCURRENCY) return false;
    const { mailing, byStatus } = await readProgress(rig.database.dataSource, mailingId);
    return byStatus.sending === 10 && mailing.numSent === rig.inbox.messages.length - unanswered;
  };

  it.each([
    ['leave', 'has finished'],
    ['resend', 'has finished'],
    ['leave', 'is at work'],
    ['resend', 'is at work'],
  ] as const)(
    'with policy %s, and its successor %s, starts nothing, and writes only what it knows of recipients in doubt',
    async (policy, heirState) => {
      // The connections of the stopped process: all connections before the successor starts.
      let ownConnections = Infinity;
      const ofZombie = new HeldAnswers(
        ({ connection }) => connection <= ownConnections && rig.inbox.messages.length > 20,
      );
      const ofHeir = new HeldAnswers(
        ({ connection }) => connection > ownConnections && rig.inbox.messages.length > 60,
      );
      rig.inbox.answer = (step) => Promise.all([ofZombie.at(step), ofHeir.at(step)]).then(() => undefined);
      if (heirState === 'has finished') ofHeir.release();

      const zombie = await start('old:1', policy);
      const mailingId = await zombie.send(RECIPIENTS);
      const stopped = { what: 'a run that waits for answers' };
      await waitUntil(() => isIdle(ofZombie, mailingId, CONCURRENCY), stopped);
      await stopProcess(zombie, rig.database);
      ownConnections = rig.inbox.connections.total;

      const heir = await start('new:2', policy, { MAILING_MIGRATION_LIST: 'old:1' });
      await heir.reported('mailing:adopted');
      if (heirState === 'has finished') await heir.completed(mailingId);
      // Recipients without an answer when the zombie was stopped are excluded: in doubt, or sent again by the successor.
      else await waitUntil(() => isIdle(ofHeir, mailingId, 2 * CONCURRENCY), stopped);
      // Those that it has not begun are tried again, unless the mailing has ended.
      const isRetried = policy === 'leave' && heirState === 'is at work';
      const isKnown = new Set(isRetried ? await inDoubt(mailingId) : ofZombie.recipients);
      const before = await rowsOf(mailingId, isKnown);
      const numReceived = rig.inbox.messages.length;

      // The answers have arrived when it wakes up.
      ofZombie.release();
      zombie.signal('SIGCONT');
      expect(await zombie.reported('run:fenced')).toEqual({ mailingId });
      await zombie.reported('server:lost');
      expect(await rowsOf(mailingId, isKnown)).toEqual(before);
      expect(rig.inbox.messages).toHaveLength(numReceived);

      const next = await zombie.send([{ email: 'late@home.example', name: 'Late' }]);
      await zombie.completed(next);
      expect(rig.inbox.messages).toHaveLength(numReceived + 1);
      expect(rig.inbox.messages.at(-1)?.to).toEqual(['late@home.example']);
      expect(await rowsOf(mailingId, isKnown)).toEqual(before);
      expect(zombie.countOf('run:fenced')).toBe(1);
      expect(zombie.countOf('server:lost')).toBe(1);
      expect(zombie.output.match(LOST)).toHaveLength(1);

      ofHeir.release();
      await heir.completed(mailingId);
      const numInDoubt = policy === 'leave' && !isRetried ? 10 - CONCURRENCY : 0;
      const progress = await waitUntil(
        async () => {
          const found = await readProgress(rig.database.dataSource, mailingId);
          return (found.byStatus.in_doubt ?? 0) === numInDoubt ? found : null;
        },
        { what: `${numInDoubt} to be left in doubt` },
      );
      const judged = { progress, recipients: readerAddresses(RECIPIENTS), crashes: 1 };
      const received = rig.inbox.countsByRecipient();
      received.delete('late@home.example');
      const mayHaveTwo = new Set(policy === 'resend' ? ofZombie.recipients : []);
      assertPromiseKept({ ...judged, mayHaveTwo, inbox: { countsByRecipient: () => received } });
      expect(ofZombie.recipients).toHaveLength(CONCURRENCY);
      for (const address of mayHaveTwo) {
        const ids = rig.inbox.messages
          .filter(({ to }) => to[0] === address)
          .map(({ messageId }) => messageId);
        expect(ids).toEqual([ids[0], ids[0]]);
      }
    },
  );
});
