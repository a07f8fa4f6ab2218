import {
  Mailing,
  MailingSuppressions,
  type Recipient,
  type Recipients,
  SlotService,
  SOURCE_TIMEOUT_MS,
  TemplateEmailPreview,
} from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { RecipientPartitions } from '../../../libs/scenarios/src/recipient.partitions.js';
import { checkForProfiles } from '../../../libs/mailing/src/work/intake/recipients.check.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';
import { waitUntil } from '../../support/wait-until.js';

const ENTRIES = 20_000;
/** One more than the limit of a turn, because it is counted before the loop yields. */
const MAX_ENTRIES_PER_TURN = 251;

/** Counts how many entries are read without yielding to the event loop. */
class TurnCounter {
  #sinceTurn = 0;
  mostPerTurn = 0;
  numRead = 0;
  #isOver = false;

  constructor() {
    const tick = (): void => {
      this.#sinceTurn = 0;
      if (!this.#isOver) setImmediate(tick);
    };
    setImmediate(tick);
  }

  /** To be called for each entry that is read. */
  read(): void {
    this.numRead++;
    this.mostPerTurn = Math.max(this.mostPerTurn, ++this.#sinceTurn);
  }

  end(): void {
    this.#isOver = true;
  }

  /** An array whose elements are read through this counter. */
  arrayOf<T>(count: number, entry: (n: number) => T): T[] {
    const read = (): void => this.read();
    return new Proxy(
      Array.from({ length: count }, (_, n) => entry(n)),
      {
        get(list, key, receiver) {
          if (typeof key === 'string' && /^\d+$/.test(key)) read();
          return Reflect.get(list, key, receiver) as unknown;
        },
      },
    );
  }

  *generate<T>(count: number, entry: (n: number) => T): Generator<T> {
    for (let n = 0; n < count; n++) {
      this.read();
      yield entry(n);
    }
  }
}

const LISTS: Record<string, (n: number) => Recipient> = {
  'invalid entries': (n) => `nonsense ${n}`,
  'entries that are no object': () => 5 as never,
  duplicates: () => 'ann@home.example',
};

describe('a long list', () => {
  const rig = MailingRig.forEachTest('sqlite');

  const READERS: Record<string, (app: MailingApp, list: Recipients) => Promise<unknown>> = {
    'a persisted mailing': async ({ sender }, list) =>
      (await sender.sendEmailMessage(INFO, list, { persist: true })).completed,
    'a mailing that is not persisted': async ({ sender }, list) =>
      (await sender.sendEmailMessage(INFO, list)).completed,
    'a preview': ({ nest }, list) => nest.get(TemplateEmailPreview).dryRun(INFO, list),
  };
  const cases = Object.keys(READERS).flatMap((reader) =>
    Object.keys(LISTS).flatMap((list) => [true, false].map((isArray) => [reader, list, isArray] as const)),
  );

  it.each(cases)('yields to the event loop: %s of %s, an array: %s', async (reader, list, isArray) => {
    const app = await rig.boot();
    const turns = new TurnCounter();
    const source = isArray ? turns.arrayOf(ENTRIES, LISTS[list]) : turns.generate(ENTRIES, LISTS[list]);
    await READERS[reader](app, source);
    turns.end();
    expect(turns.numRead).toBeGreaterThanOrEqual(ENTRIES);
    // An array is also searched for ids of profiles, by a loop that yields by itself.
    expect(turns.mostPerTurn).toBeLessThanOrEqual(MAX_ENTRIES_PER_TURN);
  });

  it.each([true, false])('of contents for slots yields to the event loop, persisted: %s', async (persist) => {
    const app = await rig.boot(
      { profileRepository: ProfileShelf },
      { templates: { 'letter.hbs': '{{#slot "promotion"}}{{this}}{{/slot}}' } },
    );
    const slots = app.nest.get(SlotService).define('promotion', { persistent: true });
    const turns = new TurnCounter();
    const contents = turns.generate(ENTRIES, (n) => ({ userId: n, content: n }));
    const info = { ...INFO, slots: slots.fillEach('promotion', contents) };
    await app.sender.sendEmailMessage(info, people(1), true, persist);
    turns.end();
    expect(turns.numRead).toBe(ENTRIES);
    expect(turns.mostPerTurn).toBeLessThanOrEqual(MAX_ENTRIES_PER_TURN);
  });

  it('of addresses to look up in the suppression list yields to the event loop', async () => {
    const { nest } = await rig.boot();
    const turns = new TurnCounter();
    const addresses = turns.arrayOf(ENTRIES, (n) => `reader${n}@home.example`);
    const suppressions = nest.get(MailingSuppressions);
    await suppressions.suppress('reader7@home.example', 'complaint');
    expect(await suppressions.findSuppressed(addresses)).toEqual(new Set(['reader7@home.example']));
    turns.end();
    expect(turns.numRead).toBe(ENTRIES);
    expect(turns.mostPerTurn).toBeLessThanOrEqual(MAX_ENTRIES_PER_TURN);
  });

  const LOOPS: Record<string, (turns: TurnCounter) => Promise<unknown>> = {
    'an array that is searched for profiles': (turns) =>
      checkForProfiles(
        turns.arrayOf(ENTRIES, () => 'ann@home.example'),
        false,
      ),
    'a list that is cut into mailings, and skipped': async (turns) => {
      const partitions = new RecipientPartitions(
        turns.generate(ENTRIES, () => 'ann@home.example'),
        SOURCE_TIMEOUT_MS,
      );
      await partitions.begin(ENTRIES);
      await partitions.finish();
    },
  };

  it.each(Object.keys(LOOPS))('yields to the event loop: %s', async (loop) => {
    const turns = new TurnCounter();
    await LOOPS[loop](turns);
    turns.end();
    expect(turns.numRead).toBe(ENTRIES);
    expect(turns.mostPerTurn).toBeLessThanOrEqual(MAX_ENTRIES_PER_TURN);
  });
});

describe('a list without an end', () => {
  const rig = MailingRig.forEachTest('sqlite');

  function* endless(entry: Recipient): Generator<Recipient> {
    for (;;) yield entry;
  }
  async function* silent(): AsyncGenerator<Recipient> {
    yield 'ann@home.example';
    await new Promise(() => undefined);
  }

  it.each([
    ['of invalid entries', () => endless('nonsense')],
    ['of duplicates', () => endless('ann@home.example')],
    ['that yields nothing more', silent],
  ])(
    '%s, not persisted, ends with the process, and the recipients read so far are sent to',
    async (what, list) => {
      const app = await rig.boot();
      const { completed } = await app.sender.sendEmailMessage(INFO, list());
      if (what !== 'of invalid entries') await rig.inbox.waitFor(1);
      await app.close();
      rig.apps = [];
      expect(await completed).toMatchObject({
        status: 'failed',
        statusReason: 'the server stopped before the list was through',
        numSent: what === 'of invalid entries' ? 0 : 1,
      });
    },
  );

  it.each(['nonsense', 'ann@home.example'])('of %s, persisted, ends with the process', async (entry) => {
    const app = await rig.boot();
    const sending = app.sender.sendEmailMessage(INFO, endless(entry), { persist: true });
    const refused = sending.catch((error: unknown) => error);
    // A list that is not started when the process ends is refused without reading its source.
    const mailings = rig.database.dataSource.getRepository(Mailing);
    await waitUntil(() => mailings.findOneBy({ status: 'loading' }), { what: 'the list to be started' });
    await app.close();
    rig.apps = [];
    expect(await refused).toMatchObject({ code: 'MAILING_SERVER_SHUTTING_DOWN' });
    const [mailing] = await mailings.find();
    expect(mailing).toMatchObject({
      status: 'failed',
      statusReason: expect.stringMatching(/^list incomplete: /) as string,
    });
  });
});

describe('an iterator that breaks its protocol', () => {
  const rig = MailingRig.forEachTest('sqlite');

  const broken: [string, Recipients][] = [
    ['a sync one with answers that are numbers', { [Symbol.iterator]: () => ({ next: () => 5 as never }) }],
    [
      'an async one with answers that are numbers',
      { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(5 as never) }) },
    ],
    ['one with answers that are nothing', { [Symbol.iterator]: () => ({ next: () => undefined as never }) }],
    ['one that is none', { [Symbol.iterator]: () => 5 as never }],
  ];

  it.each(broken)('fails the list with an error: %s', async (_, list) => {
    const app = await rig.boot();
    const code = 'MAILING_SOURCE_PROTOCOL';
    await expect(app.sender.sendEmailMessage(INFO, list, { persist: true })).rejects.toMatchObject({ code });
    await expect(app.nest.get(TemplateEmailPreview).dryRun(INFO, list)).rejects.toMatchObject({ code });
    const ended = app.sender
      .sendEmailMessage(INFO, list)
      .then(({ completed }) => completed)
      .catch((error: Error) => ({ status: 'failed', statusReason: error.message }));
    expect(await ended).toMatchObject({
      status: 'failed',
      statusReason: expect.stringContaining('of recipients to be an object, got') as string,
    });
  });
});
