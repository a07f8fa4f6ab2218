import type { MailingTemplate, TemplateRenderer } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { classifyFailure } from '../../../libs/mailing/src/delivery/transport/classify-failure.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { reasonOf } from '../../../libs/mailing/src/model/values/public-text.js';

/** An error whose message is no text, as hosts and HTTP libraries make them. */
const errorSaying = (message: unknown): Error => Object.assign(new Error(), { message });
const bare: unknown = Object.create(null);

describe('reasonOf', () => {
  it.each<[string, unknown, string]>([
    ['an error', new Error('no room'), 'no room'],
    ['a text', 'no room', 'no room'],
    ['nothing', undefined, 'undefined'],
    ['an error whose message is null', errorSaying(null), 'null'],
    ['an error whose message is an object', errorSaying({ status: 500 }), 'an object'],
    ['an object without a prototype', bare, 'an object'],
  ])('returns a text for %s', (_, thrown, words) => {
    expect(reasonOf(thrown)).toBe(words);
  });
});

describe('thrown values of the host that are no usual errors', () => {
  const rig = MailingRig.forEachTest('sqlite');

  const ERRORS: [string, unknown, object][] = [
    [
      'a DOMException, whose code is a number',
      new DOMException('too late', 'TimeoutError'),
      { code: '23', text: 'too late' },
    ],
    [
      'an HTTP error with a response',
      Object.assign(new Error('Bad Gateway'), { response: { status: 502 }, code: null }),
      { code: 'EUNKNOWN', text: 'Bad Gateway' },
    ],
    [
      'an error whose message is an object',
      errorSaying({ status: 500 }),
      { code: 'EUNKNOWN', text: 'an object' },
    ],
    ['an object that is neither an error nor a text', bare, { code: 'EUNKNOWN', text: 'an object' }],
  ];

  it.each(ERRORS)('of a transport: %s fails its recipient only', async (_, error, expected) => {
    expect(classifyFailure(error, 'nowhere')).toEqual({ kind: 'refused', permanent: true, ...expected });
    const transport = {
      name: 'http',
      version: '1',
      send: (_mail: unknown, done: (error: unknown) => void) => done(error),
    };
    const app = await rig.boot(
      { errorGuard: { sampleSize: 0 } },
      { mailer: { transport: transport as never } },
    );
    const { completed, mailingId } = await app.sender.sendEmailMessage(INFO, people(3), { persist: true });
    expect(await completed).toMatchObject({ status: 'completed', numSent: 0, numErrors: 3 });
    const failed = await app.query.recipients(mailingId as string, { status: 'error' });
    const { code: errorCode, text: errorText } = expected as { code: string; text: string };
    expect(failed).toMatchObject(Array.from({ length: 3 }, () => ({ errorCode, errorText })));
  });

  it('of a renderer fail their recipients only', async () => {
    class ThrowingLetters implements TemplateRenderer {
      open(): Promise<MailingTemplate> {
        let number = 0;
        const render = (): { subject: string; text: string } => {
          if (number++ === 1) throw errorSaying({ line: 3 });
          return { subject: 'Hello', text: 'Hello' };
        };
        return Promise.resolve({ content: {}, render });
      }
    }
    const app = await rig.boot({ renderer: ThrowingLetters, run: { concurrency: 1 } });
    const { completed } = await app.sender.sendEmailMessage(INFO, people(3), { persist: true });
    expect(await completed).toMatchObject({ status: 'completed', numSent: 2, numErrors: 1 });
  });

  it.each([true, false])('of a list fail the list, persisted: %s', async (persist) => {
    async function* broken(): AsyncGenerator<string> {
      yield 'ann@home.example';
      throw bare;
    }
    const app = await rig.boot();
    const failed: string[] = [];
    app.events.on('list:failed', ({ reason }) => failed.push(reason));
    const ended = app.sender
      .sendEmailMessage(INFO, broken(), { persist })
      .then(({ completed }) => completed)
      .catch((error: { code: string }) => ({ status: error.code, statusReason: failed[0] }));
    expect(await ended).toMatchObject({
      status: persist ? 'MAILING_LIST_INCOMPLETE' : 'failed',
      statusReason: 'list incomplete: an object',
    });
    expect(rig.inbox.messages).toHaveLength(persist ? 0 : 1);
  });

  it('of listeners change nothing', async () => {
    const app = await rig.boot();
    app.events.on('run:started', () => {
      throw errorSaying(null);
    });
    app.events.on('recipient:settled', async () => {
      throw errorSaying({});
    });
    const { completed } = await app.sender.sendEmailMessage(INFO, people(3), { persist: true });
    expect(await completed).toMatchObject({ status: 'completed', numSent: 3 });
  });
});
