import { Injectable } from '@nestjs/common';
import {
  MailBatch,
  Mailing,
  type ProfileRepository,
  type Recipient,
  type TemplateRenderer,
} from 'nestjs-mailing';
import { afterEach, expect, it, vi } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { FUTURE, leaver, LONG_AGO, healthIn } from '../../support/databases/left-rows.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { never } from '../../support/silence.js';
import { waitUntil } from '../../support/wait-until.js';

const realNow = performance.now.bind(performance);

@Injectable()
class SilentProfiles implements ProfileRepository {
  findByIds = (): Promise<never> => never();
}

forEachDatabase('the health report about stalled mailings', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  afterEach(() => vi.restoreAllMocks());
  const { leave, leaveServer } = leaver(rig);

  it('names mailings that a living server holds without making progress, and where to ask', async () => {
    await leaveServer('alive:2');
    await leave('stuck', 'in_progress', 'alive:2', { lastCommitAt: LONG_AGO });
    await leave('pausing', 'pausing', 'alive:2', { lastCommitAt: LONG_AGO });
    await leave('canceling', 'canceling', 'alive:2', { lastCommitAt: LONG_AGO });
    await leave('moves', 'in_progress', 'alive:2', { lastCommitAt: FUTURE });
    await leave('elsewhere', 'in_progress', 'gone:3', { lastCommitAt: LONG_AGO });
    await leave('batched', 'in_progress', 'gone:3', { isBatched: true, lastCommitAt: LONG_AGO });
    // The row of a batched mailing has no commits of its own.
    await leave('batch-moves', 'in_progress', 'alive:2', { isBatched: true, lastCommitAt: LONG_AGO });
    const batch = { startIdx: 0, endIdx: 9, notBefore: LONG_AGO, numProfiles: 9 };
    const frame = {
      lowWaterIdx: 0,
      nextIdx: 0,
      highWaterIdx: 0,
      uniqServerId: 'alive:2',
      status: 'claimed' as const,
    };
    await rig.database.dataSource.getRepository(MailBatch).insert([
      { ...batch, ...frame, mailingId: 'batched', lastCommitAt: LONG_AGO },
      { ...batch, ...frame, mailingId: 'batch-moves', lastCommitAt: FUTURE },
    ]);
    const app = await rig.boot({ enabledAsTemplateMailServer: true });
    const found = (await healthIn(app, 'member')).findings.filter(({ code }) => code === 'mailing_stalled');
    expect(found).toEqual([
      {
        code: 'mailing_stalled',
        serverId: 'alive:2',
        message: expect.any(String) as string,
        mailingIds: expect.any(Array) as string[],
      },
    ]);
    expect([...(found[0].mailingIds ?? [])].sort()).toEqual(['batched', 'canceling', 'pausing', 'stuck']);
    expect(found[0].message).toContain('Ask MailingHealth of that server');
    expect(found[0].message).toContain('have not moved for 60 s or more');
  });

  /** The messages of the stalled findings, at a time this many milliseconds from now. */
  const stalledIn = async (app: MailingApp, ms: number): Promise<string> => {
    // A test that exceeded its time limit keeps running, and would take the clock from the next one.
    if (!rig.apps.includes(app)) throw new Error('The test of this application is over.');
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => realNow() + ms);
    const { findings } = await app.health.check().finally(() => clock.mockRestore());
    const messages = findings.filter(({ code }) => code === 'mailing_stalled').map(({ message }) => message);
    return messages.join('\n');
  };
  const aged = async (mailingId: string): Promise<void> => {
    await rig.database.dataSource.getRepository(Mailing).update(mailingId, { lastCommitAt: LONG_AGO });
  };

  it('names what a run of this process waits for, and since when: the host, the mail server, a message', async () => {
    const SINCE = /They wait for (.*), since 20\d\d-.*Z\. See why that does not come/;
    const app = await rig.boot({
      profileRepository: SilentProfiles,
      run: { hostCallTimeoutMs: 600_000, messageTimeoutMs: 60_000 },
    });
    const send = async (list: Recipient[]): Promise<string> => {
      const { mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
      await rig.reached(mailingId as string, 'in_progress');
      return mailingId as string;
    };
    const silent = await send([{ userId: 'p1' }]);
    expect(await stalledIn(app, 0)).toBe('');
    await aged(silent);
    const what = async (): Promise<string | undefined> => SINCE.exec(await stalledIn(app, 0))?.[1];
    await waitUntil(async () => (await what()) === 'the answer of ProfileRepository.findByIds', {
      what: 'the finding',
    });
    await app.sender.cancel(silent);
    await rig.reached(silent, 'canceled');

    const answer: { give?: () => void } = {};
    rig.inbox.answer = ({ command }) =>
      command === 'END' ? new Promise((resolve) => (answer.give = () => resolve(undefined))) : undefined;
    const slow = await send(people(1));
    await waitUntil(() => answer.give, { what: 'the message' });
    await aged(slow);
    expect(await what()).toBe('1 message(s) that are being rendered or sent');
    answer.give?.();
    await rig.reached(slow, 'completed');

    await rig.inboxDown();
    const down = await send(people(1));
    const told = await waitUntil(
      async () => {
        await aged(down);
        const text = await what();
        return text?.startsWith('transport: ') ? text : null;
      },
      { what: 'the transport' },
    );
    expect(told).toContain('ECONNREFUSED');
    // An outage is reported for a persisted mailing although its attempts are committed.
    await rig.database.dataSource.getRepository(Mailing).update(down, { lastCommitAt: new Date() });
    expect(await stalledIn(app, 900_000)).toContain('transport: ');
    await app.sender.cancel(down);
  });

  it('names lists whose source does not answer, mailings that are read while they are sent, and renderers', async () => {
    let numSilent = 0;
    async function* silent(): AsyncGenerator<string> {
      yield 'first@home.example';
      numSilent++;
      await never();
    }
    const app = await rig.boot();
    const writing = app.sender.sendEmailMessage(INFO, silent(), { persist: true });
    writing.catch(() => undefined);
    const mailings = rig.database.dataSource.getRepository(Mailing);
    const { id } = await waitUntil(() => mailings.findOneBy({ status: 'loading' }), { what: 'the list' });
    await app.sender.sendEmailMessage(INFO, silent());
    await waitUntil(() => numSilent === 2, { what: 'both sources to stop yielding' });
    const told = await stalledIn(app, 61_000);
    expect(told).toContain('being written down on test:1');
    expect(told).toContain('in progress on test:1');
    expect(told.match(/They wait for the next entry of recipients, since/g)).toHaveLength(2);
    expect(await stalledIn(app, 30_000)).toBe('');
    await app.sender.cancel(id);
    await expect(writing).rejects.toThrow();
    await app.close();

    await leave('unopened', 'pending', 'test:1');
    class BrokenLetters implements TemplateRenderer {
      open = (): Promise<never> => Promise.reject(new Error('no room for <ann@home.example>'));
    }
    const second = await rig.boot({ renderer: BrokenLetters });
    await new Promise<void>((resolve) => second.events.on('run:failed', () => resolve()));
    const message = await stalledIn(second, 61_000);
    expect(message).toContain('to be begun on test:1');
    expect(message).toContain('They wait for its templates: no room for <(an address)>, since');
    await second.close();

    const open = vi.fn<() => Promise<never>>(never);
    class SilentLetters implements TemplateRenderer {
      open = open;
    }
    const third = await rig.boot({
      renderer: SilentLetters,
      run: { hostCallTimeoutMs: 600_000 },
      server: { heartbeatIntervalMs: 100, leaseMs: 3_000, shutdownTimeoutMs: 500 },
    });
    await waitUntil(() => open.mock.calls.length > 0, { what: 'the templates to be asked for' });
    expect(await stalledIn(third, 61_000)).toContain('They wait for its templates, since');
  });

  it('is good while a mailing makes progress: each commit stores its time, for a mailing and for its batches', async () => {
    const app = await rig.boot({ enabledAsTemplateMailServer: true });
    const { dataSource } = rig.database;
    for (const isBatched of [false, true]) {
      let isHeld = false;
      let release = (): void => undefined;
      const held = new Promise<undefined>((resolve) => (release = () => resolve(undefined)));
      rig.inbox.answer = ({ command }) => {
        if (command !== 'END') return undefined;
        isHeld = true;
        return held;
      };
      const info = { ...INFO, batched: isBatched };
      const { completed, mailingId } = await app.sender.sendEmailMessage(info, people(12), { persist: true });
      const id = mailingId as string;
      await waitUntil(() => isHeld, { what: 'the first message' });
      // The claim has stored a time as well.
      if (isBatched)
        await dataSource.getRepository(MailBatch).update({ mailingId: id }, { lastCommitAt: LONG_AGO });
      else await aged(id);
      const released = Date.now();
      release();
      expect(await completed).toMatchObject({ status: 'completed', numSent: 12 });
      const progress = isBatched
        ? await dataSource.getRepository(MailBatch).findOneByOrFail({ mailingId: id })
        : await dataSource.getRepository(Mailing).findOneByOrFail({ id });
      const at = progress.lastCommitAt?.getTime() ?? 0;
      expect(at).toBeGreaterThan(released - 1_000);
      expect(at).toBeLessThan(Date.now() + 1_000);
    }
    expect((await app.health.check()).isHealthy).toBe(true);
  });
});
