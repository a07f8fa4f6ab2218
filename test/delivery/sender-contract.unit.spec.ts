import { describe, expect, it } from 'vitest';
import type { EmailMessageSender } from '../../libs/mailing/src/model/ports/email-message.sender.js';
import { checkedHandOver } from '../../libs/mailing/src/delivery/transport/hand-over.check.js';
import { bareDelivery } from './bare-delivery.js';

const WORDS: [unknown, unknown, string][] = [
  ['E'.repeat(65), 'no', 'sender'],
  ['ann@home.example\n', 'no', 'sender'],
  [{ toString: null }, { toString: null }, 'sender'],
  [550, 550, '550'],
  ['5.1.1', undefined, '5.1.1'],
];

describe('a sender of the host that breaks its contract', () => {
  it.each(WORDS)(
    'with the code %j and the text %j has both stored within their columns',
    async (code, text, known) => {
      for (const kind of ['refused', 'throttled', 'unknown', 'not_begun']) {
        const checked = checkedHandOver({ kind, code, text, permanent: true, blame: 'them', subject: 'all' });
        expect(checked).toMatchObject(
          kind === 'not_begun' ? { kind, blame: 'unclear' } : { kind, code: known },
        );
        expect('text' in checked && checked.text).toBe(text === 'no' ? 'no' : '');
        expect(checked).not.toHaveProperty('subject');
      }
    },
  );

  it.each<[string, () => unknown]>([
    ['answers nothing', () => Promise.resolve()],
    ['answers another word', () => Promise.resolve({ kind: 'perhaps' })],
    ['answers at once', () => ({ kind: 'sent' })],
    ['rejects', () => Promise.reject(new Error('no line'))],
    [
      'throws',
      () => {
        throw new Error('no line');
      },
    ],
  ])('and %s, leaves that recipient in doubt, and throws nothing', async (_, send) => {
    const sender = { send, probe: () => Promise.resolve(null) } as unknown as EmailMessageSender;
    const delivery = bareDelivery({ sender });
    const [prepared] = await delivery.prepare([{ idx: 3, email: 'ann@home.example' }]);
    const consent = {
      stop: new AbortController().signal,
      wanted: () => new AbortController().signal,
      mayStart: () => true,
      begin: () => () => undefined,
    };
    expect(await delivery.deliver(prepared, consent)).toMatchObject({
      kind: 'settled',
      outcome: { idx: 3, status: 'in_doubt', code: 'sender' },
    });
  });
});
