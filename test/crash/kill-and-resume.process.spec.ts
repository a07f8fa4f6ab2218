import { createWriteStream, openAsBlob } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EmailAddress, Mailing, MailServer } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { assertProgressAddsUp, readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { readerAddresses } from '../support/hosts/reader-list.js';
import { waitUntil } from '../support/wait-until.js';
import { assertPromiseKept } from './processes/promise.js';
import { ServiceRig } from './processes/service-rig.js';

forEachDatabase('a killed process', (kind) => {
  const rig = ServiceRig.forEachTest(kind);

  /** Checks the whole promise by what the mail server received. */
  const assertPromise = async (mailingId: string, count: number, crashes: number): Promise<void> => {
    const progress = await readProgress(rig.database.dataSource, mailingId);
    assertPromiseKept({ progress, inbox: rig.inbox, recipients: readerAddresses(count), crashes });
  };

  it('A1 A10 resumes at once where it stopped, and no recipient gets a second copy', async () => {
    let service = await rig.start();
    const mailingId = await service.send(600);
    for (const moment of [60, 250, 450]) {
      await rig.inbox.waitFor(moment);
      await service.kill();
      service = await rig.start();
      expect(await service.reported('run:recovered')).toMatchObject({ mailingId, numProfiles: 600 });
    }
    await service.completed(mailingId);
    await assertPromise(mailingId, 600, 3);
  });

  it('A5 A9 A21 between the final dot and the answer leaves recipients in doubt, without a second copy', async () => {
    // From the 20th message on the mail server accepts every message without answering, until the process is dead.
    rig.inbox.answer = ({ command }) =>
      command === 'END' && rig.inbox.messages.length >= 20 ? 'hang' : undefined;
    const first = await rig.start();
    const mailingId = await first.send(60);
    await rig.inbox.waitFor(24);
    await first.kill();
    rig.inbox.answer = undefined;
    const second = await rig.start();
    const { numInDoubt } = await second.reported('run:recovered');
    await second.completed(mailingId);
    await assertPromise(mailingId, 60, 1);
    const { byStatus } = await readProgress(rig.database.dataSource, mailingId);
    expect(byStatus.in_doubt).toBe(numInDoubt);
    expect(byStatus.in_doubt).toBeGreaterThanOrEqual(5);
  });

  it('A22 with policy resend, sends messages in flight again under the same Message-ID', async () => {
    rig.inbox.answer = ({ command }) =>
      command === 'END' && rig.inbox.messages.length >= 10 ? 'hang' : undefined;
    const first = await rig.start();
    const mailingId = await first.send(40);
    await rig.inbox.waitFor(14);
    await first.kill();
    rig.inbox.answer = undefined;
    const second = await rig.start({ env: { MAILING_IN_DOUBT: 'resend' } });
    await second.completed(mailingId);
    const progress = await readProgress(rig.database.dataSource, mailingId);
    assertProgressAddsUp(progress);
    expect(progress.byStatus).toEqual({ sent: 40 });
    expect(rig.inbox.countsByRecipient().size).toBe(40);
    const twice = [...rig.inbox.countsByRecipient()]
      .filter(([, copies]) => copies === 2)
      .map(([address]) => address);
    expect(twice.length).toBeGreaterThanOrEqual(5);
    for (const address of twice) {
      const ids = rig.inbox.messages.filter(({ to }) => to[0] === address).map(({ messageId }) => messageId);
      expect(new Set(ids).size).toBe(1);
    }
  });

  it('A8 is replaced by a server with a new id that has the old id in its migration list', async () => {
    const owner = async (): Promise<string | null> =>
      (await rig.database.dataSource.getRepository(Mailing).findOneByOrFail({})).uniqServerId;
    const old = await rig.start({ serverId: 'old:1' });
    const mailingId = await old.send(300);
    await rig.inbox.waitFor(40);
    await old.kill();

    const stranger = await rig.start({ serverId: 'stranger:3' });
    await waitUntil(
      () => rig.database.dataSource.getRepository(MailServer).existsBy({ uniqServerId: 'stranger:3' }),
      {
        what: 'the stranger to register',
      },
    );
    await stranger.stop();
    expect(await owner()).toBe('old:1');

    const heir = await rig.start({ serverId: 'new:2', env: { MAILING_MIGRATION_LIST: 'old:1' } });
    expect(await heir.reported('mailing:adopted')).toEqual({
      mailingId,
      fromServerId: 'old:1',
      toServerId: 'new:2',
    });
    expect(await owner()).toBe('new:2');
    await heir.completed(mailingId);
    await assertPromise(mailingId, 300, 1);
  });

  it('A18 while it writes the list leaves a failed mailing that sends to no recipient', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mailing-list-'));
    const csv = join(folder, 'recipients.csv');
    function* lines(): Generator<string> {
      yield 'email,name\n';
      for (let n = 0; n < 200_000; n++) yield `reader${n}@home.example,Reader ${n}\n`;
    }
    await pipeline(Readable.from(lines()), createWriteStream(csv));
    const first = await rig.start();
    const form = new FormData();
    for (const field of ['subject', 'headline', 'text']) form.set(field, 'News');
    form.set('from', 'news@shop.example');
    form.set('recipients', await openAsBlob(csv), 'recipients.csv');
    const posted = first.post(form).catch(() => null);
    await waitUntil(() => rig.database.dataSource.getRepository(EmailAddress).exists(), {
      what: 'the first chunk',
    });
    await first.kill();
    await posted;
    await rm(folder, { recursive: true, force: true });

    const second = await rig.start();
    const failed = await waitUntil(
      () => rig.database.dataSource.getRepository(Mailing).findOneBy({ status: 'failed' }),
      {
        what: 'the list to be called failed',
      },
    );
    expect(failed.statusReason).toBe('list incomplete');
    const next = await second.send(3);
    await second.completed(next);
    expect(rig.inbox.messages).toHaveLength(3);
  });

  it('A14 is taken over by a live process with the same server id, which was in standby until then', async () => {
    const first = await rig.start();
    const second = await rig.start();
    await second.reported('server:standby');
    const refused = await second.post(
      JSON.stringify({
        subject: 's',
        from: 'a@b.example',
        headline: 'h',
        text: 't',
        recipients: ['a@b.example'],
      }),
    );
    expect(refused).toMatchObject({ status: 503, answer: { code: 'MAILING_SERVER_STANDBY' } });
    const mailingId = await first.send(400);
    await rig.inbox.waitFor(50);
    await first.kill();
    await second.completed(mailingId);
    await assertPromise(mailingId, 400, 1);
  });
});
