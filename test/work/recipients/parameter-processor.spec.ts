import { setImmediate as turn } from 'node:timers/promises';
import { Injectable, Module } from '@nestjs/common';
import {
  type ParameterProcessor,
  ParameterSourceDownError,
  type ProcessedParameters,
  type RecipientParameters,
  TemplateEmailPreview,
} from 'nestjs-mailing';
import { beforeEach, expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';
import { never } from '../../support/silence.js';
import { waitUntil } from '../../support/wait-until.js';

type Answer = ProcessedParameters | PromiseLike<ProcessedParameters>;

@Injectable()
class Words {
  readonly greeting = 'Good day';
}

/** Answers as the test says, and notes what it was asked about. */
@Injectable()
class Processor implements ParameterProcessor {
  static answer: (one: RecipientParameters, greeting: string) => Answer = () => undefined;
  static asked: RecipientParameters[] = [];
  static most = 0;
  static now = 0;

  constructor(private readonly words: Words) {}

  async process(one: RecipientParameters): Promise<ProcessedParameters> {
    Processor.asked.push(one);
    Processor.most = Math.max(Processor.most, ++Processor.now);
    try {
      await turn();
      return await Processor.answer(one, this.words.greeting);
    } finally {
      Processor.now--;
    }
  }
}

@Module({ providers: [Words, Processor] })
class HostModule {}

forEachDatabase('a parameter processor of the host', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const how = { parameterProcessor: Processor, profileRepository: ProfileShelf };
  const more = {
    imports: [{ module: HostModule }],
    templates: { 'letter.hbs': '{{greeting}} {{name}} {{email}}, {{discount}} %, {{mailingId}}' },
  };
  const waiting = { persist: true, runInSeparateThread: false };

  beforeEach(() => {
    Processor.answer = () => undefined;
    Processor.asked = [];
    Processor.most = 0;
    // Questions of an earlier test may never be answered.
    Processor.now = 0;
  });

  async function textOf(address: string): Promise<string> {
    const message = rig.inbox.messages.find(({ to }) => to.includes(address));
    return (await message?.parsed())?.text?.trim() ?? '';
  }

  it('adds to what the templates see for its recipient alone, and replaces no reserved name', async () => {
    const app = await rig.boot(how, more);
    Processor.answer = ({ idx, email, params }, greeting) =>
      idx === 1
        ? undefined
        : {
            params: {
              greeting,
              name: email[0],
              email: 'odd@home.example',
              mailingId: 'another',
              discount: Number(params.discount) + idx,
            },
          };
    const info = { ...INFO, name: 'Spring', params: { discount: 10 }, trackingData: { campaign: 'c1' } };
    const list = [
      { email: 'ann@home.example', data: { discount: 20 } },
      'bob@home.example',
      'cy@home.example',
    ];
    const { mailingId } = await app.sender.sendEmailMessage(info, list, waiting);
    expect(await textOf('ann@home.example')).toBe(`Good day a ann@home.example, 20 %, ${mailingId}`);
    expect(await textOf('bob@home.example')).toBe(`bob@home.example, 10 %, ${mailingId}`);
    expect(await textOf('cy@home.example')).toBe(`Good day c cy@home.example, 12 %, ${mailingId}`);
    expect(Processor.asked.find(({ idx }) => idx === 0)).toEqual({
      mailingId,
      mailingName: 'Spring',
      templateUrl: 'letter.hbs',
      trackingData: { campaign: 'c1' },
      idx: 0,
      email: 'ann@home.example',
      params: { discount: 20, name: '', email: 'ann@home.example' },
    });
  });

  it('skips a recipient with its reason, and a fault of it costs that recipient only', async () => {
    const app = await rig.boot(how, more);
    const faults: [Answer | (() => never), string, string][] = [
      [{ skip: 'No voucher is left.' }, 'skipped', 'No voucher is left.'],
      [() => raise('no such customer'), 'error', 'no such customer'],
      [Promise.reject(new Error('rejected')), 'error', 'rejected'],
      ['yes' as never, 'error', 'got a text of 3 characters'],
      [{ params: [] } as never, 'error', '{ params: an array, skip: nothing }'],
      [{ skip: ' ' }, 'error', '{ params: nothing, skip: a text of 1 character }'],
      [{ params: {}, skip: 'both' } as never, 'error', '{ params: an object, skip: a text of 4 characters }'],
      [{} as never, 'error', '{ params: nothing, skip: nothing }'],
    ];
    void (faults[2][0] as Promise<never>).catch(() => undefined);
    Processor.answer = ({ idx }) => {
      const fault = faults[idx]?.[0];
      return typeof fault === 'function' ? fault() : fault;
    };
    const { mailingId, completed } = await app.sender.sendEmailMessage(INFO, people(20), waiting);
    expect(await completed).toMatchObject({ numSent: 12, numSkipped: 1, numErrors: 7 });
    const progress = await rig.progress(mailingId as string);
    assertProgressAddsUp(progress);
    for (const [idx, [, status, text]] of faults.entries()) {
      expect(progress.recipients[idx]).toMatchObject({ status, errorCode: 'parameter_processor' });
      expect(progress.recipients[idx].errorText).toContain(text);
    }
    expect(rig.inbox.messages).toHaveLength(12);
  });

  it('is asked about at most `run.concurrency` recipients at a time, each once, and none that a gate skips', async () => {
    const app = await rig.boot({ ...how, run: { concurrency: 3, maxInDoubt: 12 } }, more);
    const list = [
      ...ProfileShelf.fill(30, (n) => `reader${n}@home.example`),
      'reader3@home.example',
      'no address',
    ];
    const { completed } = await app.sender.sendEmailMessage(INFO, list, waiting);
    expect(await completed).toMatchObject({ numSent: 30, numSkipped: 2 });
    expect(Processor.most).toBe(3);
    const emails = Processor.asked.map(({ email }) => email);
    expect(emails).toHaveLength(30);
    expect(new Set<unknown>(emails)).toEqual(new Set(people(30)));
  });

  it.each<[string, () => Answer, string]>([
    [
      'that says so',
      () => raise(new ParameterSourceDownError('the voucher service answers 503')),
      "recipients: parameter processor: The parameter processor can't answer: the voucher service answers 503.",
    ],
    [
      'that is silent',
      never,
      'recipients: parameter processor: ParameterProcessor.process: no answer within 2000 ms',
    ],
  ])(
    'an outage %s charges no recipient: the mailing pauses with the reason, and goes on',
    async (_, fails, reason) => {
      const app = await rig.boot(
        { ...how, run: { transportOutageTimeoutMs: 0, hostCallTimeoutMs: 2_000 } },
        more,
      );
      Processor.answer = ({ idx }) => (idx === 2 ? fails() : undefined);
      const { mailingId } = await app.sender.sendEmailMessage(INFO, people(5), { persist: true });
      const id = mailingId as string;
      expect((await rig.reached(id, 'paused')).statusReason).toContain(reason);
      expect((await rig.progress(id)).byStatus).toEqual({ pending: 5 });
      Processor.answer = () => undefined;
      await app.sender.resume(id);
      await rig.reached(id, 'completed');
      await rig.assertAllSent(id, 5);
    },
  );

  it('a pause does not wait for its answer', async () => {
    const app = await rig.boot(how, more);
    Processor.answer = never;
    const mailingId = await rig.send(app, 5);
    await waitUntil(() => Processor.asked.length > 0, { what: 'the first question' });
    await app.sender.pause(mailingId);
    await rig.reached(mailingId, 'paused', 5_000);
    expect((await rig.progress(mailingId)).byStatus).toEqual({ pending: 5 });
  });

  it('serves mailings that are not persisted, previews, dry runs and proofs', async () => {
    const app = await rig.boot(how, more);
    Processor.answer = ({ email, mailingId }) => {
      if (email.startsWith('reader1@')) return { skip: 'not today' };
      if (email.startsWith('reader2@')) throw new Error('no such customer');
      return { params: { greeting: mailingId === null ? 'Hi' : 'Dear' } };
    };
    const { completed } = await app.sender.sendEmailMessage(INFO, people(4));
    expect(await completed).toMatchObject({ numSent: 2, numSkipped: 1, numErrors: 1 });
    expect(await textOf('reader0@home.example')).toMatch(/^Hi +reader0@home.example/);

    const previews = app.nest.get(TemplateEmailPreview);
    expect((await previews.preview(INFO, 'ann@home.example')).html).toMatch(/^Hi /);
    await expect(previews.preview(INFO, 'reader1@home.example')).rejects.toMatchObject({
      reason: 'parameter_processor',
    });
    await expect(previews.preview(INFO, 'reader2@home.example')).rejects.toThrow('no such customer');
    await previews.sendProof(INFO, 'reader3@home.example', 'editor@shop.example');
    expect(await textOf('editor@shop.example')).toMatch(/^Hi /);
    expect(await previews.dryRun(INFO, people(10))).toEqual({
      numRecipients: 10,
      numMessages: 8,
      skipped: { parameter_processor: 1 },
      failed: { 'no such customer': 1 },
    });
    Processor.answer = () => raise(new ParameterSourceDownError('503'));
    await expect(previews.dryRun(INFO, people(3))).rejects.toThrow('parameter processor');
  });
});

function raise(error: string | Error): never {
  throw typeof error === 'string' ? new Error(error) : error;
}
