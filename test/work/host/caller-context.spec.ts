import { Readable } from 'node:stream';
import {
  MailingSuppressions,
  SlotFilling,
  SlotService,
  SourceConsumedError,
  TemplateEmailPeriodicService,
  TemplateEmailPreview,
  UnsubscribeTokens,
} from 'nestjs-mailing';
import { MailingUnsubscribeModule, Unsubscriber } from 'nestjs-mailing/unsubscribe';
import { beforeEach, describe, expect, it } from 'vitest';
import { inFlightMailing } from '../../support/databases/in-flight-mailing.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';
import {
  BACKGROUND,
  EVENTS,
  IdleDispatcher,
  Letters,
  listed,
  listenTo,
  Profiles,
  senderOf,
  SlotLetters,
  statements,
  Suppressions,
  witness,
  WitnessedDispatcher,
  witnessSender,
} from '../../support/hosts/witnessed-parts.js';

const SECRET = 'a secret that only tests know, and no other';

beforeEach(() => witness.forget());

forEachDatabase('the async context of a mailing that is sent within a request', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const options = () => ({
    profileRepository: Profiles,
    suppressionList: Suppressions,
    profiles: { invalidateRefused: true },
    addresses: { normalizer: witness.noting('normalizer', (address: string) => address) },
    unsubscribe: { url: witness.noting('unsubscribe.url', () => 'https://shop.example/no') },
  });

  beforeEach(() => {
    rig.inbox.answer = ({ command, to }) =>
      command === 'RCPT' && to[0] === 'reader4@home.example'
        ? { code: 550, text: '5.1.1 no such user' }
        : undefined;
  });

  it.each([true, false])(
    'is that of the start for the run, and that of the request for reading the list (in the background: %s)',
    async (runInSeparateThread) => {
      const helpers = { loud: witness.noting('helper', (text: unknown) => String(text).toUpperCase()) };
      const templates = { 'letter.hbs': 'Dear {{loud email}}' };
      const app = await rig.boot(options(), { ...statements, templates, helpers });
      listenTo(app, EVENTS);
      witnessSender(app);
      const { completed, mailingId } = await witness.within('request', () =>
        app.sender.sendEmailMessage(INFO, listed(30), { persist: true, runInSeparateThread }),
      );
      expect(await completed).toMatchObject({ numSent: 29, numErrors: 1 });
      await witness.within('click', () => app.sender.pause(mailingId as string));
      await app.close();
      expect(witness.seen).toEqual({
        ...BACKGROUND,
        list: 'request',
        helper: 'nothing',
        'list:written': 'nothing',
        'mailing:command': 'nothing',
      });
    },
  );

  it('is the same for a mailing that is not persisted, whose run reads the list', async () => {
    const app = await rig.boot({ ...options(), renderer: Letters }, statements);
    listenTo(app, EVENTS);
    witnessSender(app);
    const { completed } = await witness.within('request', () =>
      app.sender.sendEmailMessage(INFO, listed(30)),
    );
    expect(await completed).toMatchObject({ numSent: 29, numErrors: 1 });
    await app.close();
    expect(witness.seen).toEqual({ ...BACKGROUND, list: 'request', open: 'nothing', render: 'nothing' });
  });

  it('is that of the start for commands and the runs that they start', async () => {
    const app = await rig.boot(options(), statements);
    witnessSender(app);
    const { completed, mailingId } = await app.sender.sendEmailMessage(INFO, listed(5), { persist: true });
    expect(await completed).toMatchObject({ numSent: 4, numErrors: 1 });
    listenTo(app, EVENTS);
    rig.inbox.answer = ({ command }) => (command === 'END' ? 'close' : undefined);
    witness.forget();
    await witness.within('click', () => app.sender.retry(mailingId as string, 'errors'));
    await waitUntil(() => witness.has('run:ended'), { what: 'the retry to end' });
    const { setLastEmailed, setEmailStatus, ...retried } = BACKGROUND;
    expect(witness.seen).toEqual({ ...retried, 'mailing:command': 'nothing' });

    witness.forget();
    await witness.within('click', () => app.sender.settleInDoubt(mailingId as string, 'sent'));
    expect(witness.seen).toEqual({
      setLastEmailed,
      'mailing:command': setEmailStatus,
      statements: 'nothing',
    });
  });

  it('is that of the start for inDoubt, which a command asks that recovers the mailing of a dead server', async () => {
    const inDoubt = witness.noting('inDoubt', (rows: unknown[]) => rows.map(() => 'leave' as const));
    const app = await rig.boot({ inDoubt, uniqServerId: 'test:2' });
    const mailingId = await inFlightMailing(rig.database.dataSource);
    const status = await witness.within('click', () => app.sender.cancel(mailingId));
    expect(status).toBe('canceled');
    expect(witness.seen).toEqual({ inDoubt: 'nothing' });
  });

  it('is that of the start for batches that a dispatcher of the host claims within a request, and for queries', async () => {
    const batch = { dispatcher: IdleDispatcher, batchIfPossible: true };
    const more = { batch, enabledAsTemplateMailServer: true };
    const app = await rig.boot({ ...options(), ...more }, statements);
    const { mailingId, completed } = await app.sender.sendEmailMessage(INFO, listed(5), { persist: true });
    const { work } = await waitUntil(() => IdleDispatcher.context, { what: 'the dispatcher to be started' });
    witnessSender(app);
    listenTo(app, ['batch:started', 'recipient:settled', 'batch:ended']);
    witness.forget();
    await witness.within('request', async () => {
      const [free] = await work.free(10);
      await (await work.claim(free))?.run();
      await app.query.get(mailingId as string);
      await app.health.check();
    });
    expect(await completed).toMatchObject({ numSent: 4, numErrors: 1 });
    const { 'run:started': started, 'run:ended': ended, ...sent } = BACKGROUND;
    expect(witness.seen).toEqual({ ...sent, 'batch:started': started, 'batch:ended': ended });
  });

  it('is that of the start for a dispatcher, a task, and the shutdown of the application', async () => {
    const server = { heartbeatIntervalMs: 100, leaseMs: 3_000, shutdownTimeoutMs: 200 };
    const batch = { dispatcher: WitnessedDispatcher, batchIfPossible: true };
    const app = await rig.boot({ ...options(), server, batch, enabledAsTemplateMailServer: true });
    senderOf(app).send = witness.noting('send', (_, signal) => {
      signal.addEventListener('abort', () => witness.note('abort'));
      return new Promise(() => undefined);
    });
    await witness.within('request', async () => {
      app.nest.get(TemplateEmailPeriodicService).addTask(() => witness.note('duty'));
      await app.sender.sendEmailMessage(INFO, listed(3), { persist: true });
    });
    await waitUntil(() => witness.has('send') && witness.has('duty'), { what: 'a message and a task' });
    await witness.within('shutdown', () => app.close());
    expect(witness.seen).toEqual({
      start: 'nothing',
      duty: 'nothing',
      list: 'request',
      announce: 'nothing',
      normalizer: 'nothing',
      findByIds: 'nothing',
      findSuppressed: 'nothing',
      'unsubscribe.url': 'nothing',
      send: 'nothing',
      abort: 'nothing',
      stop: 'nothing',
    });
  });
});

describe('the async context of a caller', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('is used to read slots, the stream of an attachment and onProgress of a preview', async () => {
    const app = await rig.boot({
      profileRepository: Profiles,
      suppressionList: Suppressions,
      renderer: SlotLetters,
    });
    app.nest.get(SlotService).define('promotion', { persistent: true });
    async function* contents() {
      witness.note('slots');
      await Promise.resolve();
      yield { userId: 'reader0', content: 'Half price' };
    }
    async function* pieces() {
      witness.note('stream');
      await Promise.resolve();
      yield Buffer.from('price list');
    }
    const info = () => ({
      ...INFO,
      slots: new SlotFilling().fillEach('promotion', contents()),
      attachments: [{ filename: 'prices.txt', content: Readable.from(pieces()) }],
    });
    const previews = app.nest.get(TemplateEmailPreview);
    const recipients = [{ userId: 'reader0' }];
    const onProgress = witness.noting('onProgress', () => undefined);
    const asked = { slots: 'request', stream: 'request' };
    const background = {
      findByIds: 'nothing',
      findSuppressed: 'nothing',
      open: 'nothing',
      render: 'nothing',
    };

    await witness.within('request', () => app.sender.sendEmailMessage(info(), recipients, false, true));
    expect(witness.seen).toEqual({ ...asked, ...background, setLastEmailed: 'nothing' });
    witness.forget();
    await witness.within('request', () => previews.preview(info(), recipients[0]));
    expect(witness.seen).toEqual({ ...asked, ...background });
    witness.forget();
    await witness.within('request', () => previews.dryRun(info(), recipients, { onProgress }));
    expect(witness.seen).toEqual({ ...asked, ...background, onProgress: 'request' });
  });

  it('is not used to suppress or unsubscribe recipients', async () => {
    const imports = [MailingUnsubscribeModule.forRoot({ secret: SECRET })];
    const app = await rig.boot({ profileRepository: Profiles, suppressionList: Suppressions }, { imports });
    const suppressions = app.nest.get(MailingSuppressions, { strict: false });
    const tokens = new UnsubscribeTokens(SECRET);
    const tokenOf = (who: object): string => tokens.sign({ mailingId: '1', idx: 0, ...who } as never);
    await witness.within('click', async () => {
      await suppressions.suppress('ann@home.example', 'complaint');
      await suppressions.findSuppressed(['ann@home.example']);
      await suppressions.release('ann@home.example');
    });
    expect(witness.seen).toEqual({ suppress: 'nothing', findSuppressed: 'nothing', release: 'nothing' });
    witness.forget();
    const unsubscriber = app.nest.get(Unsubscriber, { strict: false });
    listenTo(app, ['recipient:unsubscribed']);
    await witness.within('click', async () => {
      await unsubscriber.unsubscribe(tokenOf({ email: 'ann@home.example' }));
      await unsubscriber.unsubscribe(tokenOf({ userId: 'bob' }));
    });
    expect(witness.seen).toEqual({
      suppress: 'nothing',
      setReceiveEmail: 'nothing',
      'recipient:unsubscribed': 'nothing',
    });
  });

  it('may be that of the start of the application, and then the work runs in it', async () => {
    const app = await witness.within('start', () =>
      rig.boot({ profileRepository: Profiles, suppressionList: Suppressions, renderer: Letters }),
    );
    listenTo(app, ['run:ended']);
    const { completed } = await witness.within('request', () =>
      app.sender.sendEmailMessage(INFO, listed(2), { persist: true }),
    );
    await completed;
    await app.close();
    expect(witness.seen).toEqual({
      list: 'request',
      open: 'start',
      render: 'start',
      findByIds: 'start',
      findSuppressed: 'start',
      setLastEmailed: 'start',
      'run:ended': 'start',
    });
  });

  it('does not prevent that a list that was read before is refused', async () => {
    const app = await rig.boot({ profileRepository: Profiles });
    const list = listed(2);
    await app.sender.sendEmailMessage(INFO, list, { persist: true });
    const again = app.sender.sendEmailMessage(INFO, list, { persist: true });
    await expect(again).rejects.toThrow(SourceConsumedError);
  });
});
