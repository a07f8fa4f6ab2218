import { describe, expect, it } from 'vitest';
import type { MailingDelivery } from '../../../libs/mailing/src/delivery/mailing.delivery.js';
import type {
  Candidate,
  RecipientGate,
} from '../../../libs/mailing/src/delivery/recipients/recipient.gate.js';
import type { Skip } from '../../../libs/mailing/src/delivery/recipients/recipient.policy.js';
import { LookupFailedError } from '../../../libs/mailing/src/delivery/recipients/lookup-failed.error.js';
import { bareDelivery } from '../bare-delivery.js';

/** Bars the recipients of its list, and records the questions. */
class ListGate implements RecipientGate {
  readonly question = 'list';
  readonly asked: Candidate[][] = [];

  constructor(private readonly barred: Record<string, string>) {}

  bar(candidates: Candidate[]): Promise<Map<number, Skip>> {
    this.asked.push(candidates);
    const skips = candidates
      .filter(({ address }) => address in this.barred)
      .map(
        ({ idx, address }) => [idx, { skip: this.barred[address], text: `on the list: ${address}` }] as const,
      );
    return Promise.resolve(new Map(skips));
  }
}

describe('the gates before a commit', () => {
  const deliveryWith = (...gates: RecipientGate[]): MailingDelivery =>
    bareDelivery({
      profiles: { findByIds: () => Promise.resolve(new Map([['u1', { email: 'dora@bücher.example' }]])) },
      gates,
    });

  it('are asked once each, about the recipients left, and the first reason counts', async () => {
    const [first, second] = [
      new ListGate({ 'bob@home.example': 'first' }),
      new ListGate({ 'bob@home.example': 'second', 'dora@xn--bcher-kva.example': 'second' }),
    ];
    const prepared = await deliveryWith(first, second).prepare([
      { idx: 3, email: 'ann@home.example' },
      { idx: 4, email: 'Bob <bob@home.example>' },
      { idx: 5, email: 'no address' },
      { idx: 6, userId: 'u1' },
      { idx: 7, userId: 'gone' },
    ]);
    expect(first.asked).toEqual([
      [
        { idx: 3, address: 'ann@home.example', userId: undefined },
        { idx: 4, address: 'bob@home.example', userId: undefined },
        { idx: 6, address: 'dora@xn--bcher-kva.example', userId: 'u1' },
      ],
    ]);
    expect(second.asked.map((asked) => asked.map(({ idx }) => idx))).toEqual([[3, 6]]);
    expect(prepared.map(({ addressee }) => ('skip' in addressee ? addressee.skip : 'mailed'))).toEqual([
      'mailed',
      'first',
      'invalid_address',
      'second',
      'no_profile',
    ]);
  });

  it('are not asked without recipients, and skip no recipient if they fail', async () => {
    const gate = new ListGate({});
    await deliveryWith(gate).prepare([{ idx: 0, email: 'no address' }]);
    expect(gate.asked).toEqual([]);
    const bar = (): Promise<never> => Promise.reject(new Error('no database'));
    const broken: RecipientGate = { question: 'broken list', bar };
    const prepared = deliveryWith(broken).prepare([{ idx: 0, email: 'ann@home.example' }]);
    await expect(prepared).rejects.toThrow(new LookupFailedError('broken list', new Error('no database')));
  });
});
