import {
  type InDoubtVerdict,
  type MailingModuleOptions,
  MailServer,
  type MailingTemplate,
  type TemplateRenderer,
} from 'nestjs-mailing';
import { beforeEach, describe, expect, it } from 'vitest';
import { toListedRecipient } from '../../../libs/mailing/src/model/mail/listed-recipient.js';
import { MailingClaims } from '../../../libs/mailing/src/store/claims/mailing-claims.js';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { MailingLedger } from '../../../libs/mailing/src/store/ledger/mailing.ledger.js';
import { TemplateEmailPersister } from '../../../libs/mailing/src/store/intake/template-email.persister.js';
import { livingServer } from '../../support/databases/living-server.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { never } from '../../support/silence.js';
import { waitUntil } from '../../support/wait-until.js';

const HOUR_MS = 3_600_000;
let isSilent: boolean;
let numSilent: number;

function answered<T>(answer: T): T | Promise<T> {
  if (!isSilent) return answer;
  numSilent++;
  return never<T>();
}

/** Opens its templates, but renders nothing while it is silent, except for the trial before a mailing is accepted. */
class SilentLetters implements TemplateRenderer {
  open(): Promise<MailingTemplate> {
    return Promise.resolve({ content: {}, render: () => answered({ subject: 'Hello', text: 'Hello' }) });
  }
}

const SILENT: [string, Partial<MailingModuleOptions>][] = [
  ['a template of the host’s renderer', { renderer: SilentLetters }],
  ['unsubscribe.url', { unsubscribe: { url: () => answered('https://shop.example/off') } }],
];

describe('a function of the host that does not answer while a mailing is stopped', () => {
  const rig = MailingRig.forEachTest('sqlite');
  beforeEach(() => {
    isSilent = true;
    numSilent = 0;
  });

  it.each(SILENT)(
    '%s: pause, cancel and shutdown do not wait for a message that is being made, and the next mailing is sent',
    async (_, how) => {
      const run = { maxConcurrentMailings: 1, messageTimeoutMs: HOUR_MS, hostCallTimeoutMs: 600_000 };
      const app = await rig.boot({
        ...how,
        run,
        server: { heartbeatIntervalMs: 100, shutdownTimeoutMs: 600_000 },
      });
      const begun = async (): Promise<string> => {
        const before = numSilent;
        const mailingId = await rig.send(app, 3);
        await waitUntil(() => numSilent > before, { what: 'a message that is being made' });
        return mailingId;
      };
      const paused = await begun();
      await app.sender.pause(paused);
      await rig.reached(paused, 'paused');
      const canceled = await begun();
      await app.sender.cancel(canceled);
      await rig.reached(canceled, 'canceled');
      isSilent = false;
      const next = await app.sender.sendEmailMessage(INFO, people(2));
      expect(await next.completed).toMatchObject({ status: 'completed', numSent: 2 });
      isSilent = true;
      const stopped = await begun();
      await app.close();
      await rig.reached(stopped, 'pending');
      for (const id of [paused, canceled, stopped]) {
        const { byStatus, recipients } = await rig.progress(id);
        expect(byStatus).toEqual({ pending: 3 });
        expect(recipients.every(({ attempts }) => attempts === 0)).toBe(true);
      }
      isSilent = false;
      const later = await rig.boot(how);
      await rig.reached(stopped, 'completed');
      await later.sender.resume(paused);
      expect(await rig.reached(paused, 'completed')).toMatchObject({ numSent: 3, numErrors: 0 });
    },
  );

  /** A mailing whose server died with three recipients in flight. */
  const left = async (uniqServerId: string): Promise<string> => {
    const database = new MailingDatabase(rig.database.dataSource);
    const persister = new TemplateEmailPersister(database);
    const mailingId = (await persister.createMailing(INFO, uniqServerId, 'list')) as string;
    const rows = people(4).map((email, idx) => ({ ...toListedRecipient(email as string, true), idx }));
    await persister.writeChunk(mailingId, 'list', rows);
    await persister.finishList(mailingId, 'list', rows.length);
    await livingServer(rig.database.dataSource, uniqServerId, 'dead');
    const claim = await new MailingClaims(database).claim(mailingId, uniqServerId, 'dead#1');
    const quiet = { outcomes: [], deferred: [], returned: [], inFlight: 0, release: null };
    await new MailingLedger(database, claim!).commit({ ...quiet, capacity: 3 });
    await rig.database.dataSource.getRepository(MailServer).delete({ uniqServerId });
    return mailingId;
  };

  it.each(['pause', 'cancel'] as const)(
    'an inDoubt resolver: %s takes effect once the time limit has passed, and the next mailing is sent',
    async (command) => {
      const mailingId = await left('test:1');
      const inDoubt = (): Promise<InDoubtVerdict[]> => Promise.resolve(answered<InDoubtVerdict[]>([]));
      const app = await rig.boot({ inDoubt, run: { maxConcurrentMailings: 1, hostCallTimeoutMs: 2_000 } });
      await waitUntil(() => numSilent > 0, { what: 'the lookup' });
      await app.sender[command](mailingId);
      const next = await app.sender.sendEmailMessage(INFO, people(2), { persist: true });
      await rig.reached(mailingId, command === 'pause' ? 'paused' : 'canceled');
      expect((await rig.progress(mailingId)).byStatus).toEqual({ in_doubt: 3, pending: 1 });
      expect(await next.completed).toMatchObject({ status: 'completed', numSent: 2 });
    },
  );
});
