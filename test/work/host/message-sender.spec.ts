import { Inject, Injectable, Module } from '@nestjs/common';
import {
  type Begin,
  type EmailMessage,
  type EmailMessageSender,
  type HandOver,
  HostSilentError,
  type MailingEventMap,
} from 'nestjs-mailing';
import { afterEach, describe, expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { never } from '../../support/silence.js';
import { UnhandledRejections } from '../../support/unhandled-rejections.js';
import { waitUntil } from '../../support/wait-until.js';

const ACCEPTED: HandOver = { kind: 'accepted' };

/** Addresses in the order in which they were handed over, and what each answer is. */
const post: { received: string[]; answer: (message: EmailMessage) => unknown } = {
  received: [],
  answer: () => ACCEPTED,
};

class ShopSender implements EmailMessageSender {
  send(message: EmailMessage): Promise<HandOver> {
    post.received.push(message.to.address);
    return post.answer(message) as Promise<HandOver>;
  }

  probe(): Promise<string | null> {
    return Promise.resolve(null);
  }
}

afterEach(() => {
  post.received = [];
  post.answer = () => ACCEPTED;
});

const serverErrorsOf = (app: MailingApp): MailingEventMap['server:error'][] => {
  const errors: MailingEventMap['server:error'][] = [];
  app.events.on('server:error', (facts) => void errors.push(facts));
  return errors;
};

forEachDatabase('a message sender of the host', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('hands over every message once, in a host that has no mailer', async () => {
    const app = await rig.boot({ messageSender: ShopSender }, { withoutMailer: true });
    const mailingId = await rig.send(app, 60);
    await rig.reached(mailingId, 'completed');
    expect(new Set(post.received)).toEqual(new Set(people(60)));
    expect(post.received).toHaveLength(60);
    expect((await rig.progress(mailingId)).byStatus).toEqual({ sent: 60 });
  });

  it('that throws, rejects, never answers or answers nonsense costs only that recipient, which is never handed over twice', async () => {
    using unhandled = new UnhandledRejections();
    const faults: Record<string, () => unknown> = {
      'reader0@home.example': () => {
        throw new Error('no line');
      },
      'reader1@home.example': () => Promise.reject(new Error('no line')),
      'reader2@home.example': () => never(),
      'reader3@home.example': () => Promise.resolve(),
      'reader4@home.example': () => Promise.resolve({ kind: 'perhaps' }),
      'reader5@home.example': () => Promise.reject(null),
      'reader6@home.example': () => 'accepted',
    };
    post.answer = ({ to }) => faults[to.address]?.() ?? Promise.resolve(ACCEPTED);
    const app = await rig.boot(
      { messageSender: ShopSender, run: { messageTimeoutMs: 200 } },
      { withoutMailer: true },
    );
    const mailingId = await rig.send(app, 40);
    await rig.reached(mailingId, 'completed');
    const progress = await rig.progress(mailingId);
    assertProgressAddsUp(progress);
    expect(progress.byStatus).toEqual({ sent: 33, in_doubt: 7 });
    expect(post.received).toHaveLength(40);
    expect(unhandled.reasons).toEqual([]);
  });
});

describe('a message sender of the host', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('is the provider of a module of the host, with its dependencies', async () => {
    @Injectable()
    class Postbox {
      readonly letters: string[] = [];
    }
    @Injectable()
    class PostboxSender extends ShopSender {
      constructor(@Inject(Postbox) private readonly postbox: Postbox) {
        super();
      }

      override async send({ subject }: EmailMessage): Promise<HandOver> {
        this.postbox.letters.push(subject);
        return ACCEPTED;
      }
    }
    @Module({ providers: [Postbox, PostboxSender] })
    class PostModule {}
    const imports = [{ module: PostModule }];
    const app = await rig.boot({ messageSender: PostboxSender }, { withoutMailer: true, imports });
    await rig.reached(await rig.send(app, 3), 'completed');
    expect(app.nest.get(Postbox, { strict: false }).letters).toEqual(['Hello', 'Hello', 'Hello']);
  });

  it('gets proofs, too', async () => {
    const app = await rig.boot({ messageSender: ShopSender }, { withoutMailer: true });
    const { TemplateEmailPreview } = await import('nestjs-mailing');
    await app.nest.get(TemplateEmailPreview).sendProof(INFO, 'ann@home.example', 'editor@shop.example');
    expect(post.received).toEqual(['editor@shop.example']);
  });

  it.each(['send', 'probe'])('without a function %s stops the start', async (name) => {
    class HalfSender extends ShopSender {}
    Object.assign(HalfSender.prototype, { [name]: 'nothing' });
    await expect(rig.boot({ messageSender: HalfSender })).rejects.toMatchObject({
      code: 'MAILING_HOST_ANSWER',
      expected: `a message sender with a function ${name}`,
    });
  });

  it('whose prepare fails, or never answers, stops the start', async () => {
    class ClosedSender extends ShopSender {
      prepare(): Promise<void> {
        return Promise.reject(new Error('no API key'));
      }
    }
    await expect(rig.boot({ messageSender: ClosedSender })).rejects.toThrow('no API key');
    class SilentSender extends ShopSender {
      prepare = (): Promise<void> => never();
    }
    const start = rig.boot({ messageSender: SilentSender, run: { hostCallTimeoutMs: 100 } });
    await expect(start).rejects.toThrow(HostSilentError);
  });

  it('that lets messages leave without begin is reported once, and is not believed again', async () => {
    let calledWith = 0;
    class HastySender extends ShopSender {
      readonly callsBegin = true;

      override send(message: EmailMessage, _signal?: AbortSignal, begin?: Begin): Promise<HandOver> {
        calledWith += begin ? 1 : 0;
        return super.send(message);
      }
    }
    const app = await rig.boot({ messageSender: HastySender });
    const errors = serverErrorsOf(app);
    const mailingId = await rig.send(app, 30);
    await rig.reached(mailingId, 'completed');
    expect(errors).toMatchObject([{ step: 'message sender', error: { code: 'MAILING_HOST_ANSWER' } }]);
    expect(calledWith).toBe(30);
    expect((await rig.progress(mailingId)).byStatus).toEqual({ sent: 30 });
  });

  it('is asked by probe whether a paused mailing may go on, and an answer that is none is reported', async () => {
    const answers: unknown[] = [undefined, null];
    class DownSender extends ShopSender {
      override probe(): Promise<string | null> {
        return Promise.resolve(answers.shift() as null);
      }
    }
    post.answer = () => Promise.resolve({ kind: 'not_begun', blame: 'transport', text: 'the API is down' });
    const app = await rig.boot({ messageSender: DownSender, run: { transportOutageTimeoutMs: 0 } });
    const errors = serverErrorsOf(app);
    const mailingId = await rig.send(app, 4);
    const { statusReason } = await rig.reached(mailingId, 'paused');
    expect(statusReason).toBe('transport: the API is down');
    post.answer = () => Promise.resolve(ACCEPTED);
    await waitUntil(() => errors.length > 0, { what: 'the report' });
    expect(errors[0]).toMatchObject({
      step: 'transport probe',
      error: { call: 'EmailMessageSender.probe', expected: 'null or a text', got: 'nothing' },
    });
    await rig.reached(mailingId, 'completed');
    expect((await rig.progress(mailingId)).byStatus).toEqual({ sent: 4 });
  });
});
