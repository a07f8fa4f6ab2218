import { Injectable } from '@nestjs/common';
import {
  type HostTransaction,
  HostAnswerError,
  HostSilentError,
  InvalidArgumentError,
  Mailing,
  type MailingEventMap,
  type MailingPersister,
  type StoredMailing,
  TemplateEmailPersister,
  type TemplateEmailInfo,
} from 'nestjs-mailing';
import { DataSource, type EntityManager } from 'typeorm';
import { beforeEach, describe, expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { never } from '../../support/silence.js';

class CallerChangedItsMind extends Error {}
class NotToday extends Error {}

/** What the persisters of this file do instead, by the test that runs. */
const script: {
  create?: () => unknown;
  read?: (stored: StoredMailing | null) => unknown;
  write?: () => unknown;
} = {};

/** Writes an audit line together with each mailing, and refuses where the script says so. */
@Injectable()
class AuditedPersister extends TemplateEmailPersister {
  constructor(
    stored: TemplateEmailPersister,
    private readonly dataSource: DataSource,
  ) {
    super(stored);
  }

  override async createMailing(
    ...request: Parameters<MailingPersister['createMailing']>
  ): Promise<string | null> {
    if (script.create) return script.create() as string;
    const [info, uniqServerId, claimToken, terms, content, given] = request;
    const create = async (transaction: HostTransaction): Promise<string | null> => {
      const mailingId = await super.createMailing(
        info,
        uniqServerId,
        claimToken,
        terms,
        content,
        transaction,
      );
      await transaction.manager.query(
        `INSERT INTO audit_line (mailing_id, name) VALUES ('${mailingId}', '${info.name}')`,
      );
      return mailingId;
    };
    return given ? create(given) : this.dataSource.transaction((manager) => this.inside(manager, create));
  }

  override async writeChunk(
    ...request: Parameters<MailingPersister['writeChunk']>
  ): ReturnType<MailingPersister['writeChunk']> {
    if (script.write) return script.write() as never;
    return super.writeChunk(...request);
  }

  override async readMailing(mailingId: string): Promise<StoredMailing | null> {
    const stored = await super.readMailing(mailingId);
    return script.read ? (script.read(stored) as StoredMailing) : stored;
  }
}

beforeEach(() => {
  for (const name of Object.keys(script)) delete script[name as keyof typeof script];
});

const nextFailure = (app: MailingApp): Promise<MailingEventMap['run:failed']> =>
  new Promise((resolve) => app.events.on('run:failed', resolve));

const NAMED: TemplateEmailInfo = { ...INFO, name: 'autumn' };

forEachDatabase('a persister of the host', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  beforeEach(async () => {
    await rig.database.dataSource.query('CREATE TABLE audit_line (mailing_id VARCHAR(40), name VARCHAR(20))');
  });

  const audited = (): Promise<{ mailing_id: string; name: string }[]> =>
    rig.database.dataSource.query('SELECT mailing_id, name FROM audit_line');
  const count = (): Promise<number> => rig.database.dataSource.getRepository(Mailing).count();

  it('writes beside each mailing, in the transaction of the mailing', async () => {
    const app = await rig.boot({ templateEmailPersister: AuditedPersister });
    const { mailingId } = await app.sender.sendEmailMessage(NAMED, people(3), { persist: true });
    await rig.reached(mailingId as string, 'completed');
    await rig.assertAllSent(mailingId as string, 3);
    expect(await audited()).toEqual([{ mailing_id: mailingId, name: 'autumn' }]);
  });

  it('writes in the transaction of the caller, and leaves nothing after its rollback', async () => {
    const app = await rig.boot({ templateEmailPersister: AuditedPersister });
    const host = app.nest.get(DataSource);
    const send = (transaction: EntityManager): Promise<{ mailingId: string }> =>
      app.sender.sendEmailMessage(NAMED, people(3), { transaction });
    await expect(
      host.transaction(async (manager) => {
        await send(manager);
        throw new CallerChangedItsMind();
      }),
    ).rejects.toThrow(CallerChangedItsMind);
    expect([await audited(), await count()]).toEqual([[], 0]);
    const { mailingId } = await host.transaction(send);
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 3);
    expect(await audited()).toEqual([{ mailing_id: mailingId, name: 'autumn' }]);
  });

  it('refuses a mailing, of which nothing is left', async () => {
    const app = await rig.boot({ templateEmailPersister: AuditedPersister });
    script.create = () => {
      throw new NotToday('Not today.');
    };
    const refused = app.sender.sendEmailMessage(NAMED, people(3), { idempotencyKey: 'one' });
    await expect(refused).rejects.toThrow(NotToday);
    expect([await audited(), await count()]).toEqual([[], 0]);
    delete script.create;
    // The key is free.
    const { mailingId } = await app.sender.sendEmailMessage(NAMED, people(3), { idempotencyKey: 'one' });
    await rig.reached(mailingId as string, 'completed');
    await rig.assertAllSent(mailingId as string, 3);
  });

  it('refuses a part of a list: the mailing fails, and nothing of it is sent', async () => {
    const app = await rig.boot({ templateEmailPersister: AuditedPersister });
    script.write = () => {
      throw new NotToday('Not today.');
    };
    await expect(app.sender.sendEmailMessage(NAMED, people(3), {})).rejects.toThrow('Not today.');
    const [{ mailing_id: id }] = await audited();
    await rig.reached(id, 'failed');
    expect(rig.inbox.messages).toEqual([]);
  });

  it('reads another content than was written', async () => {
    const app = await rig.boot({ templateEmailPersister: AuditedPersister });
    script.read = (stored) => stored && { ...stored, info: { ...stored.info, subject: 'From the archive' } };
    const { mailingId } = await app.sender.sendEmailMessage(NAMED, people(2), {});
    await rig.reached(mailingId as string, 'completed');
    expect(await Promise.all(rig.inbox.messages.map(async (one) => (await one.parsed()).subject))).toEqual(
      Array(2).fill('From the archive'),
    );
  });

  it('does not answer when a mailing is read: others are sent, and the mailing once it answers again', async () => {
    const app = await rig.boot({
      templateEmailPersister: AuditedPersister,
      run: { hostCallTimeoutMs: 200 },
    });
    const silent = nextFailure(app);
    script.read = (stored) => (stored?.info.name === 'autumn' ? never() : stored);
    const { mailingId } = await app.sender.sendEmailMessage(NAMED, people(2), {});
    expect(await silent).toMatchObject({ mailingId, error: expect.any(HostSilentError) });
    const { mailingId: other } = await app.sender.sendEmailMessage(
      { ...INFO, name: 'winter' },
      ['x@home.example'],
      {},
    );
    await rig.reached(other as string, 'completed');
    delete script.read;
    await rig.reached(mailingId as string, 'completed');
    expect(rig.inbox.messages).toHaveLength(3);
  });

  it.each<['createMailing' | 'writeChunk', 'create' | 'write', unknown]>([
    ['createMailing', 'create', 7],
    ['createMailing', 'create', ''],
    ['writeChunk', 'write', { numWritten: -1, numRefused: 0 }],
  ])('that answers %s wrongly costs that mailing alone', async (method, part, answer) => {
    const app = await rig.boot({ templateEmailPersister: AuditedPersister });
    script[part] = () => answer;
    const sending = app.sender.sendEmailMessage(NAMED, people(3), {});
    await expect(sending).rejects.toThrow(`MailingPersister.${method}`);
    expect(rig.inbox.messages).toEqual([]);
    delete script[part];
    await rig.send(app, 2);
    await rig.inbox.waitFor(2);
  });

  it('is refused where it hands on a transaction that it did not get from inside()', async () => {
    const app = await rig.boot();
    const persister = app.nest.get(TemplateEmailPersister);
    const foreign = { manager: rig.database.dataSource.manager };
    await expect(persister.releaseKey('1', foreign)).rejects.toThrow(InvalidArgumentError);
  });
});

describe('a class that is no persister', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('stops the start with the function that is missing', async () => {
    @Injectable()
    class HalfAPersister {
      createMailing(): null {
        return null;
      }
    }
    const booting = rig.boot({ templateEmailPersister: HalfAPersister as never });
    await expect(booting).rejects.toThrow(HostAnswerError);
    await expect(booting).rejects.toThrow('a persister with a function inside');
  });

  it.each([
    ['another mailing', (stored: StoredMailing) => ({ ...stored, mailingId: 'another' })],
    ['a mailing without `unreadable`', (stored: StoredMailing) => ({ ...stored, unreadable: undefined })],
    ['a mailing without info', (stored: StoredMailing) => ({ ...stored, info: undefined })],
    ['text', () => 'a mailing'],
  ])('is told that %s is no answer, and the mailing waits', async (_what, read) => {
    const app = await rig.boot({ templateEmailPersister: AuditedPersister });
    await rig.database.dataSource.query('CREATE TABLE audit_line (mailing_id VARCHAR(40), name VARCHAR(20))');
    const failed = nextFailure(app);
    script.read = (stored) => stored && read(stored);
    const { mailingId } = await app.sender.sendEmailMessage(NAMED, people(2), {});
    expect(await failed).toMatchObject({ mailingId, error: expect.any(HostAnswerError) });
    expect(rig.inbox.messages).toEqual([]);
    delete script.read;
    await rig.reached(mailingId as string, 'completed');
    await rig.assertAllSent(mailingId as string, 2);
  });
});
