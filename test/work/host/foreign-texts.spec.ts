import { Injectable } from '@nestjs/common';
import {
  type Dispatcher,
  type MailingModuleOptions,
  type ProfileRepository,
  type RecipientProfile,
  type Recipients,
  type SuppressionList,
  MailingSuppressions,
  TemplateEmailPeriodicService,
  TemplateEmailPreview,
} from 'nestjs-mailing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { ScriptedSmtpServer, takesAll } from '../../support/network/scripted-smtp.server.js';
import { printed, toldOf } from '../../support/told-of.js';
import { waitUntil } from '../../support/wait-until.js';

/** An address, a second line, an escape sequence that colours a terminal, and a text without bounds. */
const FOREIGN = `no room for <reader0@home.example>\r\n\u001b[32mall is well\u202e ${'x'.repeat(5_000)}`;
/** An address, a control character, raw or escaped, or a line that is too long. */
const HARMFUL = /@|\\[rnu]|\\x1b|[\p{Cc}\u2028-\u202e]|x{1500}/u;

class Strange {
  static isStrange = true;

  static say(): Promise<never> {
    return Promise.reject(new Error(FOREIGN));
  }
}

@Injectable()
class StrangeProfiles implements ProfileRepository {
  findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    if (Strange.isStrange) return Strange.say();
    return Promise.resolve(new Map(ids.map((id) => [id, { email: `${id}@home.example` }])));
  }

  setLastEmailed(): Promise<void> {
    return Strange.say();
  }
}

@Injectable()
class StrangeList implements SuppressionList {
  findSuppressed = (): Promise<Set<string>> => Strange.say();
  suppress = (): Promise<void> => Strange.say();
  release = (): Promise<void> => Strange.say();
}

class StrangeLine implements Dispatcher {
  start = (): void => undefined;
  announce = (): void => Strange.say() as never;
  stop = (): Promise<void> => Strange.say();
}

const PATIENT = { transportOutageTimeoutMs: 0 };
const reply = (code: number): string => `${code}-5.7.1 ${FOREIGN.slice(0, 300)}\r\n${code} 5.7.1 no\r\n`;

/** A foreign text, and the event that has to report it. */
interface Way {
  mailing?: Partial<MailingModuleOptions>;
  /** The reply of the mail server to a line. */
  smtp?: (line: string) => string | undefined;
  recipients?: Recipients;
  /** The event that reports the text. */
  event: string;
  begin?: (app: MailingApp) => unknown;
}

async function* strangeSource(): AsyncGenerator<string> {
  yield 'reader0@home.example';
  await Strange.say();
}

const send = (list: Recipients) => (app: MailingApp) =>
  app.sender.sendEmailMessage(INFO, list, { persist: true });

const WAYS: Record<string, Way> = {
  'a mail server that refuses the connection': {
    smtp: (line) => (line === 'CONNECT' ? reply(554) : undefined),
    mailing: { run: PATIENT },
    event: 'mailing:paused',
  },
  'a mail server that throttles': {
    smtp: (line) => (line.startsWith('RCPT') ? reply(451).replaceAll('no', 'rate limit') : undefined),
    event: 'transport:throttled',
  },
  'a mail server that refuses each recipient': {
    smtp: (line) => (line.startsWith('RCPT') ? reply(550) : undefined),
    mailing: { errorGuard: { sampleSize: 5 } },
    event: 'mailing:paused',
  },
  'profiles that fail': {
    mailing: { profileRepository: StrangeProfiles, run: PATIENT },
    begin: send([{ userId: 'p1' }]),
    event: 'mailing:paused',
  },
  'profiles that fail to store outcomes': {
    mailing: { profileRepository: StrangeProfiles, profiles: { daysContactFatigue: 1 } },
    begin: (app) => {
      Strange.isStrange = false;
      return send([{ userId: 'p1' }])(app);
    },
    event: 'profiles:error',
  },
  'a suppression list that fails': {
    mailing: { suppressionList: StrangeList, run: PATIENT },
    event: 'mailing:paused',
  },
  'a list that fails': { begin: send(strangeSource()), event: 'list:failed' },
  'a list that fails, of a mailing that is not persisted': {
    begin: (app) => app.sender.sendEmailMessage(INFO, strangeSource()).then((one) => one.completed),
    event: 'run:ended',
  },
  'a dispatcher that fails': {
    mailing: { batch: { dispatcher: StrangeLine } },
    begin: (app) => app.sender.sendEmailMessage({ ...INFO, batched: true }, people(5), { persist: true }),
    event: 'server:error',
  },
  'a task that fails': {
    begin: (app) => app.nest.get(TemplateEmailPeriodicService).addTask(() => Strange.say()),
    event: 'server:error',
  },
};

describe('the text of a foreign error', () => {
  const rig = MailingRig.forEachTest('sqlite');
  beforeEach(() => void (Strange.isStrange = true));

  it.each(Object.entries(WAYS))(
    'leaves the plugin as one short line without addresses: %s',
    async (_, way) => {
      await using server = await ScriptedSmtpServer.start(takesAll(way.smtp));
      const app = await rig.boot(way.mailing, { smtpUrl: server.url });
      const told = toldOf(app);
      const results: string[] = [];
      const note = (result: unknown): number => results.push(printed(result));
      const begun = Promise.resolve((way.begin ?? send(people(20)))(app));
      // An error of the list itself reaches the caller as the cause.
      const ended = begun.then(note, (error: unknown) => results.push(String(error), JSON.stringify(error)));
      const isTold = (): boolean => told.events.some((one) => one.startsWith(`${way.event} `));
      await waitUntil(isTold, { what: way.event });
      await waitUntil(() => told.lines.length > 0, { what: 'a line of the log' });
      await ended;
      const mailings = await app.query.list({});
      results.push(printed(await app.health.check()), printed(mailings));
      const all = [...told.events, ...told.lines, ...results];
      expect(all.filter((one) => HARMFUL.test(one))).toEqual([]);
      expect(all.join()).toContain('all is well');
    },
  );

  it('is kept whole in the row of the recipient', async () => {
    await using server = await ScriptedSmtpServer.start(
      takesAll((line) => (line.startsWith('RCPT') ? reply(550) : undefined)),
    );
    const app = await rig.boot({}, { smtpUrl: server.url });
    const mailingId = await rig.send(app, 1);
    await rig.reached(mailingId, 'completed');
    const [refused] = await app.query.recipients(mailingId, { status: 'error' });
    expect(refused.errorText).toContain('<reader0@home.example>');
  });

  it('reaches the caller of a preview in one line', async () => {
    const app = await rig.boot(
      {},
      { templates: { 'letter.hbs': '{{tell}}' }, helpers: { tell: throwForeign } },
    );
    const previews = app.nest.get(TemplateEmailPreview);
    Strange.isStrange = false;
    const info = { ...INFO, templateUrl: 'letter.hbs' };
    // The request is refused, because the first rendering fails.
    const error = await previews.dryRun(info, people(2)).catch((one: unknown) => one);
    expect((error as Error).message).toContain('all is well');
    expect((error as Error).message).not.toMatch(HARMFUL);
  });
});

function throwForeign(): string {
  throw new Error(FOREIGN);
}

forEachDatabase('a statement that fails', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  let app: MailingApp;
  beforeEach(async () => {
    app = await rig.boot();
  });
  afterEach(() =>
    rig.database.dataSource.query('ALTER TABLE hidden RENAME TO dps_email_address').catch(() => 0),
  );

  it('shows none of its parameters, which are addresses, wherever its error is reported', async () => {
    const { dataSource } = rig.database;
    const told = toldOf(app);
    const list = async function* (): AsyncGenerator<string> {
      await dataSource.query('ALTER TABLE dps_email_address RENAME TO hidden');
      yield 'ann@home.example';
    };
    const failed = await send(list())(app).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'MAILING_LIST_INCOMPLETE', cause: expect.any(Error) as Error });
    await dataSource.query('ALTER TABLE dps_mail_suppression RENAME TO hidden_list');
    const suppressing = app.nest.get(MailingSuppressions).suppress('ann@home.example', 'complaint');
    const unsuppressed = await suppressing.catch((error: unknown) => error);
    await dataSource.query('ALTER TABLE hidden_list RENAME TO dps_mail_suppression');
    expect(unsuppressed).toBeInstanceOf(Error);
    for (const error of [failed, unsuppressed]) {
      expect(printed(error)).toMatch(/dps_email_address|dps_mail_suppression/);
      expect(printed(error)).not.toContain('@home.example');
      expect(JSON.stringify(error)).not.toContain('@home.example');
    }
    expect([...told.events, ...told.lines].filter((one) => one.includes('@home.example'))).toEqual([]);
  });
});
