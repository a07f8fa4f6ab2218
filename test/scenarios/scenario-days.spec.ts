import { EventEmitterModule } from '@nestjs/event-emitter';
import {
  dayIn,
  hourIn,
  MailingScenariosModule,
  Scenario,
  type ScenarioAnswer,
  type ScenarioEventMap,
  ScenarioEvents,
  ScenarioOptionsError,
  SendEmail,
} from 'nestjs-mailing/scenarios';
import { describe, expect, it } from 'vitest';
import type { MailingApp } from '../support/hosts/mailing-app.js';
import { MailingRig } from '../support/hosts/mailing-rig.js';
import { toldOf } from '../support/told-of.js';

const ZONE = 'Europe/Berlin';
const FROM = { template: 'letter.hbs', subject: 'Today', from: 'news@shop.example' };

/** The clock as a cron job reads it. */
let now = new Date(0);

@Scenario()
class Letters {
  @SendEmail({ ...FROM, eventId: () => dayIn(ZONE, now) })
  async daily(): Promise<ScenarioAnswer> {
    return ['ann@home.example'];
  }

  @SendEmail({ ...FROM, eventId: () => hourIn(ZONE, now) })
  async hourly(): Promise<ScenarioAnswer> {
    return ['bob@home.example'];
  }
}

/** 01:30 in Berlin of five days around each change of the clocks. */
const NIGHTS = [
  ['2026-03-27T00:30Z', '2026-03-28T00:30Z', '2026-03-29T00:30Z', '2026-03-29T23:30Z', '2026-03-30T23:30Z'],
  ['2026-10-22T23:30Z', '2026-10-23T23:30Z', '2026-10-24T23:30Z', '2026-10-26T00:30Z', '2026-10-27T00:30Z'],
];

/** All hours of the two days on which the clocks change: 23 and 25. */
const hoursFrom = (start: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => new Date(Date.parse(start) + n * 3_600_000).toISOString());
const HOURS = [hoursFrom('2026-03-28T23:00Z', 23), hoursFrom('2026-10-24T22:00Z', 25)];

describe('a scenario that is called at a time of day', () => {
  const rig = MailingRig.forEachTest('sqlite');

  const boot = (id: string): Promise<MailingApp> =>
    rig.boot(
      { uniqServerId: id },
      {
        imports: [
          EventEmitterModule.forRoot(),
          MailingScenariosModule.forRoot(),
          { module: class Host {}, providers: [Letters] },
        ],
      },
    );

  it.each(NIGHTS.map((nights) => [nights[2].slice(0, 7), nights] as const))(
    'sends on each of five nights around the clock change in %s',
    async (_, nights) => {
      const app = await boot('test:1');
      for (const night of nights) {
        now = new Date(night);
        await app.nest.get(Letters, { strict: false }).daily();
      }
      await rig.inbox.waitFor(nights.length);
      expect(rig.inbox.countsByRecipient().get('ann@home.example')).toBe(nights.length);
    },
  );

  it.each(HOURS.map((hours) => [hours.length, hours] as const))(
    'sends in each hour of a day that has %i of them',
    async (_, hours) => {
      const app = await boot('test:1');
      for (const hour of hours) {
        now = new Date(hour);
        await app.nest.get(Letters, { strict: false }).hourly();
      }
      await rig.inbox.waitFor(hours.length);
      expect(rig.inbox.countsByRecipient().get('bob@home.example')).toBe(hours.length);
    },
  );

  it('that another server has sent already is counted and logged, and not sent again', async () => {
    const apps = [await boot('test:1'), await boot('test:2')];
    now = new Date('2026-10-25T01:30Z');
    const handled: ScenarioEventMap['scenario:handled'][] = [];
    for (const { nest } of apps)
      nest.get(ScenarioEvents, { strict: false }).on('scenario:handled', (facts) => handled.push(facts));
    const { lines } = toldOf(apps[0]);
    for (const { nest } of apps) await nest.get(Letters, { strict: false }).daily();
    const told = lines.filter((line) => line.includes('were there before'));
    expect(told).toEqual([
      expect.stringContaining('Letters.daily: 1 of 1 mailings of Letters:daily:2026-10-25'),
    ]);
    expect(handled.map(({ numRepeats }) => numRepeats)).toEqual([0, 1]);
    await rig.inbox.waitFor(1);
    expect(rig.inbox.messages).toHaveLength(1);
  });
});

describe('dayIn and hourIn', () => {
  it.each([
    ['Europe/Berlin', '2026-03-29T00:59:59Z', '2026-03-29', '2026-03-29T01+01:00'],
    ['Europe/Berlin', '2026-03-29T01:00:00Z', '2026-03-29', '2026-03-29T03+02:00'],
    ['Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-25', '2026-10-25T02+02:00'],
    ['Europe/Berlin', '2026-10-25T01:30:00Z', '2026-10-25', '2026-10-25T02+01:00'],
    ['America/St_Johns', '2026-01-01T02:00:00Z', '2025-12-31', '2025-12-31T22-03:30'],
    ['Asia/Kathmandu', '2026-01-01T18:15:00Z', '2026-01-02', '2026-01-02T00+05:45'],
    ['UTC', '2026-01-01T00:00:00Z', '2026-01-01', '2026-01-01T00+00:00'],
    ['Europe/London', '2026-01-01T00:00:00Z', '2026-01-01', '2026-01-01T00+00:00'],
  ])('follow the local clock: %s at %s', (zone, at, day, hour) => {
    expect(dayIn(zone, new Date(at))).toBe(day);
    expect(hourIn(zone, new Date(at))).toBe(hour);
  });

  it('use the current time by default', () => {
    const before = [dayIn('UTC', new Date()), hourIn('UTC', new Date())];
    const found = [dayIn('UTC'), hourIn('UTC')];
    const after = [dayIn('UTC', new Date()), hourIn('UTC', new Date())];
    for (const n of [0, 1]) expect([before[n], after[n]]).toContain(found[n]);
  });

  it.each([['Europe/Atlantis'], [''], [undefined], [5]])('refuse the time zone %j', (zone) => {
    for (const idOf of [dayIn, hourIn]) expect(() => idOf(zone as string)).toThrow(ScenarioOptionsError);
  });

  it('refuse an invalid time', () => {
    for (const at of [new Date(NaN), 5, null])
      expect(() => dayIn('UTC', at as Date)).toThrow(ScenarioOptionsError);
  });
});
