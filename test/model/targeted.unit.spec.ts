import { setImmediate as turn } from 'node:timers/promises';
import { type Recipient, targeted } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';

const LIST = Array.from({ length: 10 }, (_, n) => ({ userId: `c-${n}` }));

async function read<T>(list: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of list) all.push(one);
  return all;
}

describe('targeted', () => {
  it('lets through what the rule says, in order, by a rule that is async or not', async () => {
    const even = ({ userId }: { userId: string }): boolean => Number(userId.slice(2)) % 2 === 0;
    const expected = ['c-0', 'c-2', 'c-4', 'c-6', 'c-8'];
    expect((await read(targeted(LIST, even))).map(({ userId }) => userId)).toEqual(expected);
    const later = async (one: { userId: string }): Promise<boolean> => {
      await turn();
      return even(one);
    };
    expect((await read(targeted(LIST, later))).map(({ userId }) => userId)).toEqual(expected);
  });

  it('reads no further than its reader, and ends its list when the reader ends', async () => {
    let [given, isEnded] = [0, false];
    async function* endless(): AsyncGenerator<Recipient> {
      try {
        for (;;) yield `reader${given++}@home.example`;
      } finally {
        isEnded = true;
      }
    }
    for await (const one of targeted(endless(), () => true)) if (one === 'reader2@home.example') break;
    expect([given, isEnded]).toEqual([3, true]);
  });

  it.each([
    ['a text', () => 'yes' as never, 'expected true or false, got a text of 3 characters'],
    ['nothing', () => undefined as never, 'got nothing'],
    ['a promise of a number', () => Promise.resolve(1) as never, 'got a number'],
  ])('fails for a rule that answers with %s: nothing is let through by mistake', async (_, rule, words) => {
    const reading = read(targeted(LIST, rule));
    await expect(reading).rejects.toMatchObject({ code: 'MAILING_HOST_ANSWER' });
    await expect(reading).rejects.toThrow(words);
  });

  it('passes on what the rule throws, and refuses a generator that was read before', async () => {
    const broken = targeted(LIST, () => {
      throw new Error('no rule today');
    });
    await expect(read(broken)).rejects.toThrow('no rule today');
    const used = (function* () {
      yield* LIST;
    })();
    expect(await read(targeted(used, () => true))).toHaveLength(10);
    await expect(read(targeted(used, () => true))).rejects.toMatchObject({ code: 'MAILING_SOURCE_CONSUMED' });
  });
});
