import { Injectable } from '@nestjs/common';
import type { ProfileRepository, RecipientProfile } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { never } from '../../support/silence.js';
import { waitUntil } from '../../support/wait-until.js';

/** Answers the first call only. */
@Injectable()
class SlowProfiles implements ProfileRepository {
  static askedAgainAt = Infinity;
  static numAsked = 0;

  findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    if (++SlowProfiles.numAsked === 1)
      return Promise.resolve(new Map(ids.map((id) => [id, { email: `${id}@home.example` }])));
    SlowProfiles.askedAgainAt = performance.now();
    return never();
  }
}

async function* oneAndSilence(): AsyncGenerator<{ userId: string }> {
  yield { userId: 'p0' };
  await never();
}

describe('a mailing that waits for two functions of the host at a time', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('yields its slot to one other mailing, not to two', async () => {
    const open: Record<string, () => void> = {};
    const held = (name: string): Promise<void> => new Promise((resolve) => (open[name] = resolve));
    const second = held('second');
    const first = held('first');
    rig.inbox.answer = async ({ command, to }) => {
      if (command !== 'RCPT') return undefined;
      const isFirst = to[0].startsWith('p0@');
      await (isFirst ? first : second);
      return isFirst ? { code: 450, text: '4.3.0 not now' } : undefined;
    };
    const run = { maxConcurrentMailings: 1, hostCallTimeoutMs: 600_000 };
    const retry = { initialDelayMs: 1, maxAttempts: 100 };
    const app = await rig.boot({ profileRepository: SlowProfiles, run, retry });
    await app.sender.sendEmailMessage(INFO, oneAndSilence());
    // It yields its slot while the source of the first mailing does not answer.
    const next = await rig.send(app, 1);
    const last = await rig.send(app, 1);
    await rig.reached(next, 'in_progress');
    open.first();
    await waitUntil(() => performance.now() - SlowProfiles.askedAgainAt > 1_000, {
      what: 'the profiles not to answer for longer than a slot is held',
    });
    expect(await app.query.get(last)).toMatchObject({ status: 'pending' });
    open.second();
    await rig.reached(next, 'completed');
    await rig.reached(last, 'completed');
    expect(rig.inbox.messages).toHaveLength(2);
    expect(people(1)).toEqual([...rig.inbox.countsByRecipient().keys()]);
  });
});
