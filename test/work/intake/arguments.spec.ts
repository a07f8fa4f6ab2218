import {
  InvalidArgumentError,
  MailingSuppressions,
  SlotFilling,
  SlotService,
  TemplateEmailBatchPersister,
  TemplateEmailBatchServerPersister,
  TemplateEmailPeriodicService,
  TemplateEmailPersister,
  TemplateEmailPreview,
  TypeOrmProfileRepository,
  UnsubscribeTokens,
} from 'nestjs-mailing';
import { LdapProfileRepository } from 'nestjs-mailing/ldap';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Customer } from '../../support/hosts/customer.entity.js';
import { onDatabase } from '../../support/databases/for-each-database.js';
import { startMariaDb } from '../../support/servers/maria-db.server.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { mailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';
import { connectToServer } from '../../support/databases/server-connection.js';

/** Values that are no id. Each is true, zero or everything to some database. */
const NO_IDS: unknown[] = [true, false, 0, 1n, null, undefined, '', [], {}, ['x'], 'x'.repeat(37)];
const NO_NUMBERS: unknown[] = ['1', '1; DROP TABLE x', 1.5, NaN, Infinity, -2, 2 ** 31, null, [1], true];

const DEAD = {
  mailingId: 'x',
  batch: { startIdx: 0, endIdx: 1 },
  claimToken: 'dead',
  uniqServerId: 'here:1',
};
const HOW = { resend: false, evidence: null };

/** Calls with one argument left out, by the name of the argument. */
function callsOf(app: MailingApp): Record<'id' | 'number', Record<string, (value: never) => unknown>> {
  const { sender, query, nest } = app;
  const batches = nest.get(TemplateEmailBatchPersister);
  const servers = nest.get(TemplateEmailBatchServerPersister);
  const persister = nest.get(TemplateEmailPersister);
  const no = (): boolean => false;
  const tokens = new UnsubscribeTokens('a secret that only tests know, and nobody else');
  return {
    id: {
      'get: mailingId': (id) => query.get(id),
      'recipients: mailingId': (id) => query.recipients(id),
      'reasons: mailingId': (id) => query.reasons(id),
      'pause: mailingId': (id) => sender.pause(id),
      'resume: mailingId': (id) => sender.resume(id),
      'cancel: mailingId': (id) => sender.cancel(id),
      'retry: mailingId': (id) => sender.retry(id, 'errors'),
      'settleInDoubt: mailingId': (id) => sender.settleInDoubt(id, 'sent'),
      'claim: mailingId': (id) => batches.claim({ mailingId: id, startIdx: 0 }, 'here:1', 'token'),
      'applyCommand: mailingId': (id) => batches.applyCommand(id),
      'writeChunk: mailingId': (id) => persister.writeChunk(id, 'token', []),
      'finishList: mailingId': (id) => persister.finishList(id, 'token', 0),
      'failList: mailingId': (id) => persister.failList(id, 'token', 'reason'),
      'releaseKey: mailingId': (id) => persister.releaseKey(id),
      'readMailing: mailingId': (id) => persister.readMailing(id),
      'pausePending: mailingId': (id) => persister.pausePending(id, 'reason'),
      'recover: mailingId': (id) => batches.recover({ ...DEAD, mailingId: id }, 'here:1', 'token', HOW),
      'renew: incarnation': (id) => servers.renew('here:1', id),
      'deregister: incarnation': (id) => servers.deregister('here:1', id),
      'register: incarnation': (incarnation) =>
        servers.register({ uniqServerId: 'here:1', incarnation } as never, no),
    },
    number: {
      'recipients: afterIdx': (afterIdx) => query.recipients('x', { afterIdx }),
      'recipients: limit': (limit) => query.recipients('x', { limit }),
      'list: limit': (limit) => query.list({ limit }),
      'free: limit': (limit) => batches.free(limit),
      'claim: startIdx': (startIdx) => batches.claim({ mailingId: 'x', startIdx }, 'here:1', 'token'),
      'recover: batch.startIdx': (startIdx) =>
        batches.recover({ ...DEAD, batch: { startIdx, endIdx: 1 } }, 'here:1', 'token', HOW),
      'recover: batch.endIdx': (endIdx) =>
        batches.recover({ ...DEAD, batch: { startIdx: 0, endIdx } }, 'here:1', 'token', HOW),
      'finishList: numProfiles': (n) => persister.finishList('x', 'token', n),
      'finishList: cut.batchSize': (batchSize) =>
        persister.finishList('x', 'token', 0, { batchSize, fromIdx: 0, toIdx: 0 }),
      'sign: idx': (idx) => tokens.sign({ mailingId: null, idx, userId: 'ann' }),
    },
  };
}

describe('an invalid argument', () => {
  const rig = MailingRig.forEachTest('sqlite');

  async function complaintOf(call: () => unknown): Promise<unknown> {
    try {
      await call();
      return 'taken';
    } catch (error) {
      return error;
    }
  }

  it('is refused by every public call, with its name and the type of its value', async () => {
    const { id, number } = callsOf(await rig.boot());
    for (const [calls, values] of [
      [id, NO_IDS],
      [number, NO_NUMBERS],
    ] as const) {
      for (const [argument, call] of Object.entries(calls)) {
        for (const value of values) {
          const complaint = await complaintOf(() => call(value as never));
          expect({ argument, value, complaint }).toMatchObject({
            complaint: { code: 'MAILING_ARGUMENT_INVALID', argument },
          });
        }
      }
    }
  });

  it('is shown in the message only if it is a number out of its bounds', async () => {
    const { query } = await rig.boot();
    const phone = 491_701_234_567;
    const messageOf = async (call: () => unknown) => ((await complaintOf(call)) as Error).message;
    expect(await messageOf(() => query.list({ limit: 10_001 }))).toBe(
      'list: limit: expected a whole number from 1 to 1000, got the number 10001. Correct the call.',
    );
    expect(await messageOf(() => query.list({ limit: true as never }))).toContain('got a boolean.');
    expect(await messageOf(() => query.get(phone as never))).toContain('got a number.');
    const slots = new SlotFilling();
    expect(await messageOf(() => slots.fillFor(1.5 as never, 'promotion', 'x'))).toContain('got a number.');
  });

  it('is refused where it should be a text, a list, a flag, a date or a function', async () => {
    const app = await rig.boot();
    const suppressions = app.nest.get(MailingSuppressions);
    const servers = app.nest.get(TemplateEmailBatchServerPersister);
    const batches = app.nest.get(TemplateEmailBatchPersister);
    const persister = app.nest.get(TemplateEmailPersister);
    const free = { mailingId: 'x', startIdx: 0 };
    const slots = app.nest.get(SlotService).define('promotion', { persistent: true });
    const profiles = await profilesOf();
    const people = new LdapProfileRepository({ url: 'ldap://127.0.0.1:1', attributes: { email: 'mail' } });
    const calls: Record<string, (value: never) => unknown> = {
      'byExecution: batchExecId': (id) => app.query.byExecution(id),
      'find: uniqServerId': (id) => servers.find(id),
      'createMailing: uniqServerId': (id) => persister.createMailing(INFO, id, 'token'),
      'createMailing: claimToken': (token) => persister.createMailing(INFO, 'here:1', token),
      'writeChunk: claimToken': (token) => persister.writeChunk('x', token, []),
      'finishList: claimToken': (token) => persister.finishList('x', token, 0),
      'failList: claimToken': (token) => persister.failList('x', token, 'reason'),
      'claim: uniqServerId': (id) => batches.claim(free, id, 'token'),
      'claim: claimToken': (token) => batches.claim(free, 'here:1', token),
      'claimedByDead: uniqServerId': (id) => batches.claimedByDead(id),
      'recover: uniqServerId': (id) => batches.recover(DEAD, id, 'token', HOW),
      'recover: claimToken': (token) => batches.recover(DEAD, 'here:1', token, HOW),
      'recover: dead.claimToken': (claimToken) =>
        batches.recover({ ...DEAD, claimToken }, 'here:1', 'token', HOW),
      'prune: uniqServerId': (id) => servers.prune(id, () => false),
      'pruneDead: uniqServerId': (id) => servers.pruneDead(id, () => false, true),
      'suppress: address': (address) => suppressions.suppress(address, 'complaint'),
      'suppress: reason': (reason) => suppressions.suppress('ann@home.example', reason),
      'release: address': (address) => suppressions.release(address),
      'findSuppressed: addresses': (addresses) => suppressions.findSuppressed(addresses),
      'findSuppressed: addresses[0]': (address) => suppressions.findSuppressed([address]),
      'fillFor: userId': (id) => slots.fillFor(id, 'promotion', 'x'),
      'fillEach: contents': (contents) => slots.fillEach('promotion', contents),
      'fill: slot': (slot) => new SlotFilling().fill(slot, 'x'),
      'addTask: task': (task) => app.nest.get(TemplateEmailPeriodicService).addTask(task),
      'dryRun: onProgress': (onProgress) =>
        app.nest.get(TemplateEmailPreview).dryRun(INFO, [], { onProgress }),
      'setEmailStatus: status': (status) => profiles.setEmailStatus?.(['x'], status),
      'setReceiveEmail: receive': (receive) => profiles.setReceiveEmail?.(['x'], receive),
      'setLastEmailed: at': (at) => profiles.setLastEmailed?.(['x'], at),
      'setEmailStatus: emails[0]': (email) => profiles.setEmailStatus?.([email], 'valid'),
      'setReceiveEmail: ids[0]': (id) => profiles.setReceiveEmail?.([id], true),
      'setLastEmailed: ids[0]': (id) => profiles.setLastEmailed?.([id], new Date()),
      'findByIds: ids[0]': (id) => profiles.findByIds([id]),
      'findByIds: ids': (ids) => people.findByIds(ids),
    };
    for (const [argument, call] of Object.entries(calls)) {
      for (const value of [null, 1.5, { toString: () => 'x' }, 'x'.repeat(20_000)]) {
        const complaint = await complaintOf(() => call(value as never));
        expect({ argument, complaint }).toMatchObject({
          complaint: { code: 'MAILING_ARGUMENT_INVALID', argument },
        });
        expect((complaint as Error).message.length).toBeLessThan(300);
      }
    }
    for (const beforeId of [true as never, 'x'.repeat(37)])
      await expect(app.query.list({ beforeId })).rejects.toThrow(InvalidArgumentError);
    await expect(app.query.list('paused' as never)).rejects.toThrow(InvalidArgumentError);
    await expect(app.query.recipients('x', null as never)).rejects.toThrow(InvalidArgumentError);
    expect(() => new UnsubscribeTokens('x'.repeat(32), { lifetimeMs: '1' as never })).toThrow(
      InvalidArgumentError,
    );
  });

  async function profilesOf(): Promise<TypeOrmProfileRepository<Customer>> {
    const dataSource = await rig.database.connect({ entities: [Customer], synchronize: true });
    return new TypeOrmProfileRepository(dataSource, Customer, {
      id: 'number',
      email: 'mail',
      emailStatus: { column: 'mailState', valid: 'ok', invalid: 'bad' },
      receiveEmail: { column: 'wantsMail', yes: 1, no: 0 },
      lastEmailed: 'lastMail',
    });
  }
});

onDatabase('mariadb', 'an invalid argument, on a MariaDB that compares a text with true', () => {
  it('neither cancels nor pauses nor shows a mailing', async () => {
    const server = await startMariaDb({ arguments: ['--sql-mode='] });
    onTestFinished(() => server.stop());
    const inbox = await SmtpInbox.start();
    const connection = await connectToServer(server.url);
    await connection.query('CREATE DATABASE shop');
    connection.destroy();
    const databaseUrl = `${server.url}/shop`;
    const app = await mailingApp({
      databaseUrl,
      smtpUrl: inbox.url,
      dataSource: { migrationsRun: true },
    });
    const far = new Date(Date.now() + 3_600_000);
    const { mailingId } = await app.sender.sendEmailMessage(INFO, people(2), { persist: true, sendAt: far });
    for (const value of NO_IDS as string[]) {
      await expect(app.sender.cancel(value)).rejects.toThrow(InvalidArgumentError);
      await expect(app.sender.pause(value)).rejects.toThrow(InvalidArgumentError);
      await expect(app.query.get(value)).rejects.toThrow(InvalidArgumentError);
    }
    expect(await app.query.get(mailingId as string)).toMatchObject({ status: 'pending', numProfiles: 2 });
    await app.close();
    await inbox.close();
  });
});
