import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { EventEmitter2, EventEmitterModule } from '@nestjs/event-emitter';
import { Injectable, Module } from '@nestjs/common';
import {
  Mailing,
  type ProfileRepository,
  type ProfileSlotContent,
  type Recipient,
  type RecipientProfile,
  type Recipients,
  SlotFilling,
  SlotService,
  SourceConsumedError,
  TemplateEmailPreview,
} from 'nestjs-mailing';
import {
  MailingScenariosModule,
  Scenario,
  type ScenarioAnswer,
  type ScenarioEventMap,
  ScenarioEvents,
  SendEmail,
} from 'nestjs-mailing/scenarios';
import { describe, expect, it } from 'vitest';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';

@Injectable()
class Profiles implements ProfileRepository {
  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    return new Map(ids.map((id) => [id, { email: `${id}@home.example` }]));
  }
}

function* generator(): Generator<Recipient> {
  yield 'ann@home.example';
}
async function* asyncGenerator(): AsyncGenerator<Recipient> {
  yield 'ann@home.example';
}
const WAYS: [string, () => Recipients][] = [
  ['a generator', generator],
  ['an async generator', asyncGenerator],
  ['an iterator of an array', () => ['ann@home.example'].values()],
  ['a stream of Node', () => Readable.from(['ann@home.example'])],
  ['a stream of the web', () => ReadableStream.from(['ann@home.example'])],
];

describe('a list that can be read only once', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it.each(WAYS)('%s is refused the second time, and sends nothing', async (_, make) => {
    const app = await rig.boot();
    const previews = app.nest.get(TemplateEmailPreview);
    const list = make();
    expect(await previews.dryRun(INFO, list)).toMatchObject({ numMessages: 1 });
    await expect(previews.dryRun(INFO, list)).rejects.toThrow(SourceConsumedError);
    for (const persist of [true, false]) {
      const refused = app.sender.sendEmailMessage(INFO, list, false, persist);
      await expect(refused).rejects.toMatchObject({ code: 'MAILING_SOURCE_CONSUMED', source: 'recipients' });
      const sent = make();
      await app.sender.sendEmailMessage(INFO, sent, false, persist);
      await expect(previews.dryRun(INFO, sent)).rejects.toThrow(SourceConsumedError);
    }
    expect(rig.inbox.messages).toHaveLength(2);
    const mailings = rig.database.dataSource.getRepository(Mailing);
    expect((await mailings.find()).map(({ status }) => status)).toEqual(['completed']);
    // An unused key looks like one that another call is about to use, so a failed mailing remains.
    const keyed = app.sender.sendEmailMessage(INFO, list, { persist: true, idempotencyKey: 'new' });
    await expect(keyed).rejects.toThrow(SourceConsumedError);
    expect((await mailings.findOneBy({ status: 'failed' }))?.statusReason).toContain('read before');
    expect(rig.inbox.messages).toHaveLength(2);
  });

  it('does not include arrays, sets, and iterables that start again', async () => {
    const app = await rig.boot();
    const previews = app.nest.get(TemplateEmailPreview);
    const lists: Recipients[] = [
      ['ann@home.example'],
      new Set(['ann@home.example']),
      { [Symbol.iterator]: generator },
      { [Symbol.asyncIterator]: asyncGenerator },
    ];
    for (const list of lists) {
      for (const _ of ['first', 'second'])
        expect(await previews.dryRun(INFO, list)).toMatchObject({ numMessages: 1 });
      await app.sender.sendEmailMessage(INFO, list, false, true);
    }
    expect(rig.inbox.messages).toHaveLength(lists.length);
  });

  it('is not read for a repeated key', async () => {
    const app = await rig.boot();
    const list = generator();
    const how = { persist: true, idempotencyKey: 'once' };
    const { mailingId } = await app.sender.sendEmailMessage(INFO, list, how);
    expect(await app.sender.sendEmailMessage(INFO, list, how)).toMatchObject({ mailingId, isRepeat: true });
  });
});

describe('contents of slots that can be read only once', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const templates = { 'letter.hbs': '{{#slot "promotion"}}{{this}}{{else}}none{{/slot}}' };

  function* cakes(): Generator<ProfileSlotContent> {
    for (let n = 0; n < 4; n++) yield { userId: n, content: 'cake' };
  }
  const slotsOf = (app: MailingApp): SlotService =>
    app.nest.get(SlotService).define('promotion', { persistent: true });

  it.each([true, false])('refuse a mailing after a preview, persisted: %s', async (persist) => {
    const app = await rig.boot({ profileRepository: Profiles }, { templates });
    const info = { ...INFO, slots: slotsOf(app).fillEach('promotion', cakes()) };
    const { html } = await app.nest.get(TemplateEmailPreview).preview(info, { userId: 1 });
    expect(html).toBe('cake');
    const refused = app.sender.sendEmailMessage(info, [{ userId: 1 }], false, persist);
    await expect(refused).rejects.toMatchObject({
      code: 'MAILING_SOURCE_CONSUMED',
      source: 'slots.promotion',
    });
    expect(rig.inbox.messages).toHaveLength(0);
  });

  it('fail a scenario at its second mailing with an event, and so does a list that is kept', async () => {
    @Scenario()
    class Shop {
      readonly #list = generator();

      @SendEmail({ on: 'cake', template: 'letter.hbs', subject: 'Hi', from: INFO.from, maxBatchSize: 2 })
      cake(): ScenarioAnswer {
        const slots = new SlotFilling().fillEach('promotion', cakes());
        return { info: { slots }, recipients: [0, 1, 2, 3].map((userId) => ({ userId })) };
      }

      @SendEmail({ on: 'kept', template: 'letter.hbs', subject: 'Hi', from: INFO.from })
      kept(): ScenarioAnswer {
        return this.#list;
      }
    }
    @Module({ providers: [Shop] })
    class Host {}
    const imports = [EventEmitterModule.forRoot(), MailingScenariosModule.forRoot(), { module: Host }];
    const app = await rig.boot({ profileRepository: Profiles }, { templates, imports });
    slotsOf(app);
    const failed: ScenarioEventMap['scenario:failed'][] = [];
    app.nest.get(ScenarioEvents).on('scenario:failed', (facts) => failed.push(facts));
    const emitter = app.nest.get(EventEmitter2);
    await emitter.emitAsync('cake');
    expect(failed.map(({ error }) => error)).toMatchObject([{ source: 'slots.promotion' }]);
    await emitter.emitAsync('kept');
    expect(failed).toHaveLength(1);
    await emitter.emitAsync('kept');
    expect(failed[1].error).toBeInstanceOf(SourceConsumedError);
  });
});
