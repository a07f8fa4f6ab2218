import {
  Mailing,
  type Recipient,
  type Recipients,
  SlotFilling,
  SlotService,
  TemplateEmailPreview,
} from 'nestjs-mailing';
import { describe, expect, it, vi } from 'vitest';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';
import { never } from '../../support/silence.js';
import { waitUntil } from '../../support/wait-until.js';

const STOPPING = { code: 'MAILING_SERVER_SHUTTING_DOWN' };
/** So long that a stop that waited for the source would exceed the test's time limit. */
const PATIENT = { server: { shutdownTimeoutMs: 600_000 } };

/** Whether one of these sources is being read. A shutdown before that would remove the templates first. */
let isRead = false;
const silentContents = {
  [Symbol.asyncIterator]: () => ({
    next: () => {
      isRead = true;
      return never<IteratorResult<never>>();
    },
  }),
};
function* endlessContents(): Generator<{ userId: string; content: string }> {
  isRead = true;
  for (;;) yield { userId: 'c-17', content: 'news' };
}
/** Not in the types, but arrays of promises are read as `for await` reads them. */
const promised = (): Recipients => [never<string>()] as unknown as Recipients;
function* endlessRecipients(): Generator<Recipient> {
  isRead = true;
  for (;;) yield 'nonsense';
}

const NO_ENTRY = {
  code: 'MAILING_HOST_SILENT',
  message:
    'the next entry of recipients: no answer within 100 ms (run.sourceTimeoutMs). ' +
    'Make it answer or reject in time, or raise the option.',
};
async function* silentAfter(count: number): AsyncGenerator<Recipient> {
  yield* people(count);
  await never();
}

describe('a source of recipients', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const loading = async (): Promise<string> => {
    const mailings = rig.database.dataSource.getRepository(Mailing);
    const { id } = await waitUntil(() => mailings.findOneBy({ status: 'loading' }), {
      what: 'a list to be started',
    });
    return id;
  };
  const close = async (app: MailingApp): Promise<void> => {
    await app.close();
    rig.apps = [];
  };

  it.each<[string, () => unknown, string]>([
    ['an iterator that comes as a promise', async () => people(1).values(), 'the iterator of recipients'],
    [
      'an iterator that comes as a promise and rejects',
      () => Promise.reject(new Error('no cursor')),
      'the iterator of recipients to be an object, got a promise',
    ],
    ['an iterator without next', () => ({}), 'next of recipients to be a function, got nothing'],
  ])('with %s is refused', async (_, iterator, words) => {
    const app = await rig.boot();
    for (const symbol of [Symbol.iterator, Symbol.asyncIterator]) {
      const list = { [symbol]: iterator } as unknown as Recipients;
      const refused = app.sender.sendEmailMessage(INFO, list, { persist: true });
      await expect(refused).rejects.toMatchObject({ code: 'MAILING_SOURCE_PROTOCOL' });
      await expect(refused).rejects.toThrow(words);
    }
  });

  it('whose entry is a promise that never settles ends with a cancel, and with a shutdown', async () => {
    const app = await rig.boot({ ...PATIENT, run: { maxConcurrentMailings: 1 } });
    const canceled = app.sender.sendEmailMessage(INFO, promised(), { persist: true });
    canceled.catch(() => undefined);
    await app.sender.cancel(await loading());
    await expect(canceled).rejects.toMatchObject({ code: 'MAILING_LIST_INCOMPLETE' });
    const reading = await app.sender.sendEmailMessage(INFO, promised());
    const next = await app.sender.sendEmailMessage(INFO, people(2));
    expect(await next.completed).toMatchObject({ status: 'completed', numSent: 2 });
    const stopped = app.sender.sendEmailMessage(INFO, promised(), { persist: true });
    stopped.catch(() => undefined);
    await loading();
    await close(app);
    await expect(stopped).rejects.toMatchObject(STOPPING);
    expect(await reading.completed).toMatchObject({ status: 'failed', numSent: 0 });
  });

  it('whose return() never settles, after a recipient that is refused, ends with a cancel and with a shutdown', async () => {
    let numClinging = 0;
    // The rig has no profiles, so the list fails at its second entry.
    async function* clinging(): AsyncGenerator<Recipient> {
      try {
        yield 'ann@home.example';
        yield { userId: 'c-17' };
        yield 'bob@home.example';
      } finally {
        numClinging++;
        await never();
      }
    }
    const app = await rig.boot(PATIENT);
    const canceled = app.sender.sendEmailMessage(INFO, clinging(), { persist: true });
    const failed = canceled.catch((error: unknown) => error);
    await waitUntil(() => numClinging === 1, { what: 'the end of the first list' });
    await app.sender.cancel(await loading());
    expect(await failed).toMatchObject({ code: 'MAILING_PROFILE_REPOSITORY_MISSING' });
    const stopped = app.sender.sendEmailMessage(INFO, clinging(), { persist: true });
    const refused = stopped.catch((error: unknown) => error);
    await waitUntil(() => numClinging === 2, { what: 'the end of the second list' });
    await close(app);
    expect(await refused).toMatchObject({ code: 'MAILING_PROFILE_REPOSITORY_MISSING' });
    expect(rig.inbox.messages).toHaveLength(0);
  });

  it('that yields nothing for longer than run.sourceTimeoutMs fails, and its key can be used again', async () => {
    const app = await rig.boot({ run: { sourceTimeoutMs: 100 } });
    const how = { persist: true, idempotencyKey: 'spring' };
    const silent = app.sender.sendEmailMessage(INFO, silentAfter(2), how);
    await expect(silent).rejects.toMatchObject({ code: 'MAILING_LIST_INCOMPLETE', cause: NO_ENTRY });
    const failed = await rig.database.dataSource.getRepository(Mailing).findOneByOrFail({ status: 'failed' });
    expect(failed.statusReason).toBe(`list incomplete: ${NO_ENTRY.message}`);
    const again = await app.sender.sendEmailMessage(INFO, people(2), how);
    expect(await again.completed).toMatchObject({ status: 'completed', numSent: 2 });
    expect(rig.inbox.messages).toHaveLength(2);
  });

  it('that yields nothing for longer than run.sourceTimeoutMs fails a mailing that is not persisted, after the recipients it yielded', async () => {
    const app = await rig.boot({ run: { sourceTimeoutMs: 100 } });
    const { completed } = await app.sender.sendEmailMessage(INFO, silentAfter(2));
    const result = await completed;
    expect(result).toMatchObject({ status: 'failed', numSent: 2 });
    expect(result.statusReason).toBe(`list incomplete: ${NO_ENTRY.message}`);
  });

  it('that yields nothing for longer than run.sourceTimeoutMs fails a preview', async () => {
    const app = await rig.boot({ run: { sourceTimeoutMs: 100 } });
    await expect(app.nest.get(TemplateEmailPreview).dryRun(INFO, silentAfter(2))).rejects.toMatchObject(
      NO_ENTRY,
    );
  });

  it('leaves no listeners behind: many lists, one after the other, cause no warning', async () => {
    const app = await rig.boot();
    const warnings: Error[] = [];
    const hear = (warning: Error): void => void warnings.push(warning);
    process.on('warning', hear);
    try {
      for (let n = 0; n < 12; n++) {
        const { completed } = await app.sender.sendEmailMessage(INFO, people(1), { persist: true });
        await completed;
      }
      await new Promise((resolve) => setImmediate(resolve));
      expect(warnings).toEqual([]);
    } finally {
      process.off('warning', hear);
    }
  });

  it('of a preview without an end ends with a shutdown', async () => {
    const app = await rig.boot();
    const previews = app.nest.get(TemplateEmailPreview);
    isRead = false;
    const done = previews.dryRun(INFO, endlessRecipients()).catch((error: unknown) => error);
    await waitUntil(() => isRead, { what: 'the list to be read' });
    await close(app);
    expect(await done).toMatchObject(STOPPING);
  });
});

describe('contents of slots, of a mailing that is not persisted', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const templates = { 'letter.hbs': '{{#slot "news"}}{{this}}{{/slot}}' };
  const SOURCES: [string, () => typeof silentContents | Generator][] = [
    ['that yield nothing', () => silentContents],
    ['that have no end', endlessContents],
  ];
  const WAYS: [string, (app: MailingApp, info: typeof INFO & { slots: SlotFilling }) => Promise<unknown>][] =
    [
      ['a mailing', (app, info) => app.sender.sendEmailMessage(info, [{ userId: 'c-17' }])],
      ['a preview', (app, info) => app.nest.get(TemplateEmailPreview).dryRun(info, [{ userId: 'c-17' }])],
      ['a preview', (app, info) => app.nest.get(TemplateEmailPreview).preview(info, { userId: 'c-17' })],
    ];
  const cases = SOURCES.flatMap(([what, contents]) =>
    WAYS.map(([way, begin]) => [way, what, begin, contents] as const),
  );

  it.each(cases)('%s: contents %s end with a shutdown', async (_way, _what, begin, contents) => {
    const app = await rig.boot({ ...PATIENT, profileRepository: ProfileShelf }, { templates });
    const slots = app.nest.get(SlotService).define('news', { persistent: true });
    const info = { ...INFO, slots: slots.fillEach('news', contents() as Iterable<never>) };
    isRead = false;
    const ended = begin(app, info).catch((error: unknown) => error);
    await waitUntil(() => isRead, { what: 'the contents to be read' });
    await app.close();
    rig.apps = [];
    expect(await ended).toMatchObject(STOPPING);
    expect(rig.inbox.messages).toHaveLength(0);
  });

  it.each(WAYS)('%s: contents that yield nothing fail after run.sourceTimeoutMs', async (_way, begin) => {
    const run = { sourceTimeoutMs: 100 };
    const app = await rig.boot({ run, profileRepository: ProfileShelf }, { templates });
    const slots = app.nest.get(SlotService).define('news', { persistent: true });
    const info = { ...INFO, slots: slots.fillEach('news', silentContents) };
    const message = NO_ENTRY.message.replace('recipients', 'slots.news');
    await expect(begin(app, info)).rejects.toMatchObject({ ...NO_ENTRY, message });
    expect(rig.inbox.messages).toHaveLength(0);
  });

  it('are named by the health report while they are waited for', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf }, { templates });
    const slots = app.nest.get(SlotService).define('news', { persistent: true });
    const next = vi.fn<() => Promise<IteratorResult<never>>>(never);
    const contents = { [Symbol.asyncIterator]: () => ({ next }) };
    const info = { ...INFO, slots: slots.fillEach('news', contents) };
    const sending = app.sender.sendEmailMessage(info, [{ userId: 'c-17' }]);
    sending.catch(() => undefined);
    await waitUntil(() => next.mock.calls.length > 0, { what: 'the contents to be read' });
    const now = performance.now() + 600_000;
    const clock = vi.spyOn(performance, 'now').mockReturnValue(now);
    const { findings } = await app.health.check();
    clock.mockRestore();
    const [stalled] = findings.filter(({ code }) => code === 'mailing_stalled');
    expect(stalled.message).toContain('1 mailing(s) to be begun on test:1');
    expect(stalled.message).toContain('They wait for the next entry of slots.news');
  });
});
