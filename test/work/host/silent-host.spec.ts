import { Injectable } from '@nestjs/common';
import {
  Mailing,
  HostSilentError,
  type MailingModuleOptions,
  type MailingTemplate,
  type ProfileRepository,
  type RecipientProfile,
  type Recipients,
  SlotService,
  type SuppressionList,
  TemplateEmailPeriodicService,
  TemplateEmailPreview,
  type TemplateRenderer,
} from 'nestjs-mailing';
import { beforeEach, describe, expect, it } from 'vitest';
import { RunRegistry } from '../../../libs/mailing/src/work/run/run.registry.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';
import { never } from '../../support/silence.js';
import { waitUntil } from '../../support/wait-until.js';

/** Long enough for the plugin's own list on a busy machine, which has the same time limit. */
const TIMEOUT_MS = 1_000;
/** So long that a stop that waited for the host would exceed the test's time limit. */
const PATIENT = { server: { shutdownTimeoutMs: 600_000 } };
const NO_ANSWER = `no answer within ${TIMEOUT_MS} ms (run.hostCallTimeoutMs)`;

/** Profiles that answer or not, as the test sets it; late answers come when the test releases them. */
@Injectable()
class MoodyProfiles implements ProfileRepository {
  static isSilent = true;
  static isDeaf = false;
  static asked = 0;
  static answerLate: (() => void)[] = [];

  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    MoodyProfiles.asked++;
    const found = new Map(ids.map((id) => [id, { email: `${id}@home.example` }]));
    if (!MoodyProfiles.isSilent) return found;
    return new Promise((resolve) => MoodyProfiles.answerLate.push(() => resolve(found)));
  }

  setLastEmailed(): Promise<void> {
    return MoodyProfiles.isDeaf ? never() : Promise.resolve();
  }
}

@Injectable()
class MoodyList implements SuppressionList {
  static isSilent = true;

  findSuppressed(): Promise<Set<string>> {
    return MoodyList.isSilent ? never() : Promise.resolve(new Set());
  }

  suppress(): Promise<void> {
    return never();
  }

  release(): Promise<void> {
    return never();
  }
}

class MoodyLetters implements TemplateRenderer {
  static isSilent = true;

  open(): Promise<MailingTemplate> {
    if (MoodyLetters.isSilent) return never();
    return Promise.resolve({ content: {}, render: () => ({ subject: 'Hello', text: 'Hello' }) });
  }
}

const PROFILES = Array.from({ length: 6 }, (_, n) => ({ userId: `p${n}` }));
const SILENT: [string, Partial<MailingModuleOptions>, Recipients, string][] = [
  ['profiles', { profileRepository: MoodyProfiles }, PROFILES, 'profiles: ProfileRepository.findByIds: '],
  [
    'a suppression list',
    { suppressionList: MoodyList },
    people(6),
    'recipients: suppression list: SuppressionList.findSuppressed: ',
  ],
];

function speak(isSpeaking: boolean): void {
  MoodyProfiles.isSilent = MoodyList.isSilent = MoodyLetters.isSilent = !isSpeaking;
}

forEachDatabase('functions of the host that never answer', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  beforeEach(() => {
    speak(false);
    MoodyProfiles.asked = 0;
    MoodyProfiles.answerLate = [];
  });
  const boot = (how: Partial<MailingModuleOptions>): Promise<MailingApp> =>
    rig.boot({ ...how, run: { hostCallTimeoutMs: TIMEOUT_MS, ...how.run } });
  const send = async (app: MailingApp, list: Recipients): Promise<string> =>
    (await app.sender.sendEmailMessage(INFO, list, { persist: true })).mailingId as string;
  const loading = async (): Promise<string> => {
    const mailings = rig.database.dataSource.getRepository(Mailing);
    const { id } = await waitUntil(() => mailings.findOneBy({ status: 'loading' }), {
      what: 'a list to be started',
    });
    return id;
  };
  const isInProgress = (mailingId: string): Promise<unknown> => rig.reached(mailingId, 'in_progress');

  it.each(SILENT)(
    '%s: the mailing is paused with the reason, and the next one starts',
    async (_, how, list, what) => {
      const app = await boot({ ...how, run: { transportOutageTimeoutMs: 0, maxConcurrentMailings: 1 } });
      const mailingId = await send(app, list);
      const waiting = await app.sender.sendEmailMessage(INFO, people(2));
      const { statusReason } = await rig.reached(mailingId, 'paused');
      expect(statusReason).toContain(`${what}${NO_ANSWER}`);
      expect((await rig.progress(mailingId)).byStatus).toEqual({ pending: 6 });
      const [finding] = (await app.health.check()).findings.filter(({ mailingIds }) =>
        mailingIds?.includes(mailingId),
      );
      expect(finding).toMatchObject({ code: 'mailings_paused' });
      expect(finding.message).toContain(NO_ANSWER);
      speak(true);
      // The mailing started; its progress depends on when it asks the same list.
      expect(await waiting.completed).toMatchObject({ mailingId: null });
      await app.sender.resume(mailingId);
      expect(await rig.reached(mailingId, 'completed')).toMatchObject({ numSent: 6, numErrors: 0 });
    },
  );

  it.each(SILENT)('%s: pause, cancel and shutdown do not wait for them', async (_, how, list) => {
    const app = await boot({ ...how, ...PATIENT, run: { hostCallTimeoutMs: 600_000 } });
    const [paused, canceled, stopped] = [await send(app, list), await send(app, list), await send(app, list)];
    for (const id of [paused, canceled, stopped]) await isInProgress(id);
    await app.sender.pause(paused);
    await rig.reached(paused, 'paused');
    await app.sender.cancel(canceled);
    await rig.reached(canceled, 'canceled');
    await app.close();
    await rig.reached(stopped, 'pending');
    for (const id of [paused, canceled, stopped])
      expect((await rig.progress(id)).byStatus).toEqual({ pending: 6 });
    expect(rig.inbox.messages).toHaveLength(0);
  });

  it('an answer that comes late is ignored, and no recipient gets a second copy', async () => {
    const app = await boot({ profileRepository: MoodyProfiles });
    const mailingId = await send(app, PROFILES);
    await waitUntil(() => MoodyProfiles.asked >= 2, { what: 'a second lookup' });
    speak(true);
    for (const answer of MoodyProfiles.answerLate) answer();
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 6);
  });

  it('other mailings use the slot of one that waits for the host, also while it waits to ask again', async () => {
    const app = await boot({
      profileRepository: MoodyProfiles,
      run: { maxConcurrentMailings: 1, hostCallTimeoutMs: 300 },
    });
    const mailingId = await send(app, PROFILES);
    await isInProgress(mailingId);
    for (let n = 0; n < 2; n++) {
      const next = await app.sender.sendEmailMessage(INFO, people(3), { persist: true });
      expect(await next.completed).toMatchObject({ status: 'completed', numSent: 3 });
      expect((await rig.progress(mailingId)).mailing.status).toBe('in_progress');
      await waitUntil(() => MoodyProfiles.asked >= n + 2, { what: 'the next lookup' });
    }
    speak(true);
    await rig.reached(mailingId, 'completed');
  });

  it('a batch that waits for the host is paused with the reason, too', async () => {
    const batch = { emailsPerBatch: 3, batchIfPossible: true, pollIntervalMs: 50 };
    const run = { transportOutageTimeoutMs: 0 };
    const app = await boot({
      profileRepository: MoodyProfiles,
      enabledAsTemplateMailServer: true,
      batch,
      run,
    });
    const mailingId = await send(app, PROFILES);
    expect((await rig.reached(mailingId, 'paused')).statusReason).toContain(NO_ANSWER);
    speak(true);
    await app.sender.resume(mailingId);
    expect(await rig.reached(mailingId, 'completed')).toMatchObject({ numSent: 6 });
  });

  it('a renderer that does not answer refuses a request, pauses a mailing that it does not open, and the next mailing starts', async () => {
    speak(true);
    const first = await boot({ renderer: MoodyLetters });
    const later = { persist: true, sendAt: new Date('2099-01-01') };
    const { mailingId } = await first.sender.sendEmailMessage(INFO, people(2), later);
    speak(false);
    await expect(first.sender.sendEmailMessage(INFO, people(2), { persist: true })).rejects.toThrow(
      `TemplateRenderer.open: ${NO_ANSWER}`,
    );
    await first.close();
    await rig.database.dataSource.query('UPDATE dps_mailing SET scheduled_at = NULL');
    const run = { transportOutageTimeoutMs: 300, maxConcurrentMailings: 1 };
    const app = await boot({ renderer: MoodyLetters, run });
    expect((await rig.reached(mailingId as string, 'paused')).statusReason).toContain(
      `template: TemplateRenderer.open: ${NO_ANSWER}`,
    );
    speak(true);
    const next = await app.sender.sendEmailMessage(INFO, people(2));
    expect(await next.completed).toMatchObject({ status: 'completed' });
    await app.sender.resume(mailingId as string);
    expect(await rig.reached(mailingId as string, 'completed')).toMatchObject({ numSent: 2 });
  });

  it('a notification of profiles counts as failed, is repeated, and delays nothing', async () => {
    const app = await boot({ profileRepository: MoodyProfiles });
    const errors: unknown[] = [];
    app.events.on('profiles:error', ({ error }) => errors.push(error));
    speak(true);
    MoodyProfiles.isDeaf = true;
    const mailingId = await send(app, PROFILES);
    await rig.reached(mailingId, 'completed');
    await waitUntil(() => errors.length > 0, { what: 'the error' });
    expect(errors[0]).toMatchObject({
      code: 'MAILING_HOST_SILENT',
      call: 'ProfileRepository.setLastEmailed',
    });
    MoodyProfiles.isDeaf = false;
    const dropped: unknown[] = [];
    app.events.on('profiles:dropped', (facts) => dropped.push(facts));
    await app.close();
    expect(dropped).toEqual([]);
  });

  it('a source of recipients: cancel, shutdown and the next mailing do not wait for it', async () => {
    async function* silent(): AsyncGenerator<string> {
      yield 'first@home.example';
      await never();
    }
    const app = await boot({ ...PATIENT, run: { maxConcurrentMailings: 1 } });
    const runs = app.nest.get(RunRegistry, { strict: false });
    const canceled = app.sender.sendEmailMessage(INFO, silent(), { persist: true });
    const id = await loading();
    expect(await app.sender.cancel(id)).toBe('canceled');
    await expect(canceled).rejects.toMatchObject({ code: 'MAILING_LIST_INCOMPLETE' });
    // A list that is read while it is sent: the mailing yields its slot while it waits.
    const reading = await app.sender.sendEmailMessage(INFO, silent());
    const next = await app.sender.sendEmailMessage(INFO, people(2));
    expect(await next.completed).toMatchObject({ status: 'completed', numSent: 2 });
    const stopped = app.sender.sendEmailMessage(INFO, silent(), { persist: true });
    stopped.catch(() => undefined);
    await loading();
    expect(runs.isStopping).toBe(false);
    await app.close();
    await expect(stopped).rejects.toMatchObject({ code: 'MAILING_SERVER_SHUTTING_DOWN' });
    expect(await reading.completed).toMatchObject({ status: 'failed', numSent: 1 });
  });

  it('contents of slots: cancel and shutdown do not wait for them', async () => {
    const app = await rig.boot({}, { templates: { 'letter.hbs': '{{slot "news"}}' } });
    const slots = app.nest.get(SlotService).define('news', { persistent: true });
    const contents = { [Symbol.asyncIterator]: () => ({ next: () => never<IteratorResult<never>>() }) };
    const info = (): typeof INFO => ({ ...INFO, slots: slots.fillEach('news', contents) }) as typeof INFO;
    const canceled = app.sender.sendEmailMessage(info(), people(2), { persist: true });
    canceled.catch(() => undefined);
    await app.sender.cancel(await loading());
    await expect(canceled).rejects.toMatchObject({ code: 'MAILING_LIST_INCOMPLETE' });
    const stopped = app.sender.sendEmailMessage(info(), people(2), { persist: true });
    stopped.catch(() => undefined);
    const stoppedId = await loading();
    await app.close();
    await rig.reached(stoppedId, 'failed');
  });
});

describe('functions of the host that never answer, or answer with a wrong type', () => {
  const rig = MailingRig.forEachTest('sqlite');
  beforeEach(() => speak(false));

  it('a task that never ends is reported, and shutdown does not wait for it', async () => {
    const app = await rig.boot({
      run: { hostCallTimeoutMs: TIMEOUT_MS },
      server: { heartbeatIntervalMs: 50, leaseMs: 3_000, shutdownTimeoutMs: 500 },
    });
    const errors: unknown[] = [];
    app.events.on('server:error', ({ error }) => errors.push(error));
    let begun = 0;
    app.nest.get(TemplateEmailPeriodicService).addTask(() => (begun++, never()));
    await waitUntil(() => errors.length > 0, { what: 'the report' });
    expect(errors).toEqual([expect.any(HostSilentError)]);
    expect(begun).toBe(1);
    await app.close();
  });

  it('a preview fails with an error that names the function', async () => {
    const run = { hostCallTimeoutMs: TIMEOUT_MS };
    const app = await rig.boot({ profileRepository: MoodyProfiles, suppressionList: MoodyList, run });
    const previews = app.nest.get(TemplateEmailPreview);
    await expect(previews.dryRun(INFO, PROFILES)).rejects.toThrow(
      `ProfileRepository.findByIds: ${NO_ANSWER}`,
    );
    await expect(previews.preview(INFO, 'ann@home.example')).rejects.toThrow(NO_ANSWER);
    speak(true);
    const onProgress = (): Promise<never> => never();
    await expect(previews.dryRun(INFO, people(1), { onProgress })).rejects.toThrow(
      `onProgress: ${NO_ANSWER}`,
    );
    const failing = (): Promise<never> => Promise.reject(new Error('no room on the screen'));
    await expect(previews.dryRun(INFO, people(1), { onProgress: failing })).rejects.toThrow('no room');
  });

  it.each<[string, unknown, string]>([
    ['an array', [], 'profiles: ProfileRepository.findByIds: expected a Map of profiles by id, got an array'],
    ['nothing', undefined, 'got nothing'],
    ['an object', { p0: { email: 'x@home.example' } }, 'got an object'],
  ])('profiles that answer with %s count as not available, with the reason', async (_, answer, reason) => {
    class InvalidProfiles extends ProfileShelf {
      override findByIds = (): Promise<never> => Promise.resolve(answer as never);
    }
    const app = await rig.boot({ profileRepository: InvalidProfiles, run: { transportOutageTimeoutMs: 0 } });
    const { mailingId } = await app.sender.sendEmailMessage(INFO, PROFILES, { persist: true });
    expect((await rig.reached(mailingId as string, 'paused')).statusReason).toContain(reason);
  });

  it('a profile with fields of other types fails that recipient only', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf, profiles: { daysContactFatigue: 1 } });
    const list = ProfileShelf.fill(8, (n) => `reader${n}@home.example`);
    const { profiles } = ProfileShelf;
    profiles.set('p1', { email: 'reader1@home.example', name: { first: 'Ann' } as never });
    profiles.set('p2', { email: 'reader2@home.example', lastEmailed: '2026-01-01' as never });
    profiles.set('p3', 'reader3@home.example' as never);
    profiles.set('p4', {
      get email(): string {
        throw new Error('reader4@home.example');
      },
    });
    profiles.set('p5', Promise.resolve({ email: 'reader5@home.example' }) as never);
    const { completed, mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    expect(await completed).toMatchObject({ numSent: 3, numSkipped: 5, numErrors: 0 });
    const { recipients } = await rig.progress(mailingId as string);
    expect(recipients.map(({ errorCode }) => errorCode)).toEqual([
      null,
      'invalid_profile',
      'invalid_profile',
      'no_address',
      'invalid_profile',
      'no_address',
      null,
      null,
    ]);
    expect(recipients.map(({ errorText }) => errorText).join()).not.toContain('@');
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'expected an object with a subject, got nothing'],
    ['a text', 'Hello', 'expected an object with a subject, got a text of 5 characters'],
    [
      'a subject that is a promise',
      { subject: Promise.resolve('Hello') },
      'expected subject to be a text, got a promise',
    ],
    ['html that is an object', { subject: 'Hello', html: {} }, 'expected html to be a text, got an object'],
  ])('a renderer that renders %s fails the recipient', async (_, rendered, why) => {
    class InvalidLetters implements TemplateRenderer {
      open(): Promise<MailingTemplate> {
        const render = ({ email }: Record<string, unknown>): never =>
          (email === 'reader0@home.example' ? rendered : { subject: 'Hello', text: 'Hello' }) as never;
        return Promise.resolve({ content: {}, render });
      }
    }
    const app = await rig.boot({ renderer: InvalidLetters });
    const { completed, mailingId } = await app.sender.sendEmailMessage(INFO, people(3), { persist: true });
    expect(await completed).toMatchObject({ numSent: 2, numErrors: 1 });
    expect((await rig.progress(mailingId as string)).recipients[0].errorText).toContain(why);
  });

  it('a renderer that opens another type refuses the request', async () => {
    class NoLetters implements TemplateRenderer {
      open(): Promise<MailingTemplate> {
        return Promise.resolve({ content: {} } as MailingTemplate);
      }
    }
    const app = await rig.boot({ renderer: NoLetters });
    await expect(app.sender.sendEmailMessage(INFO, people(1))).rejects.toMatchObject({
      code: 'MAILING_HOST_ANSWER',
      call: 'TemplateRenderer.open',
    });
  });
});
