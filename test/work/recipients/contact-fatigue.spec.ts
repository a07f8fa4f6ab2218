import { Injectable } from '@nestjs/common';
import type { ProfileRepository, RecipientProfile } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';

const HOUR_MS = 3_600_000;
const profiles = new Map<string, RecipientProfile>();

/** Stores what it is told, as a host with a table would. */
@Injectable()
class Customers implements ProfileRepository {
  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    return new Map(ids.flatMap((id) => (profiles.has(id) ? [[id, profiles.get(id)!] as const] : [])));
  }

  async setLastEmailed(ids: string[], at: Date): Promise<void> {
    for (const id of ids) profiles.get(id)!.lastEmailed = at;
  }
}

/** Never finishes noting which profiles were mailed. */
@Injectable()
class ForgetfulCustomers extends Customers {
  override setLastEmailed(): Promise<void> {
    return Promise.reject(new Error('the disk is full'));
  }
}

const hoursAgo = (hours: number): Date => new Date(Date.now() - hours * HOUR_MS);
const ids = (...names: string[]): { userId: string }[] => names.map((userId) => ({ userId }));

function people(lastEmailed: Record<string, Date | null>): void {
  profiles.clear();
  for (const [id, at] of Object.entries(lastEmailed)) {
    profiles.set(id, { email: `${id}@home.example`, lastEmailed: at });
  }
}

forEachDatabase('contact fatigue', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('skips a profile that was mailed within the window, with when and how long in the reason', async () => {
    people({ never: null, longAgo: hoursAgo(49), lately: hoursAgo(47), broken: new Date(Number.NaN) });
    const app = await rig.boot({ profileRepository: Customers, profiles: { daysContactFatigue: 2 } });
    const last = profiles.get('lately')!.lastEmailed!.toISOString();
    const list = [...ids('never', 'longAgo', 'lately', 'broken'), 'plain@home.example'];
    const { mailingId } = await app.sender.sendEmailMessage(INFO, list, false, true);
    expect(await app.query.get(mailingId!)).toMatchObject({ numSent: 4, numSkipped: 1 });
    const [skipped] = await app.query.recipients(mailingId!, { status: 'skipped' });
    expect(skipped).toMatchObject({ userId: 'lately', errorCode: 'contact_fatigue', attempts: 0 });
    expect(skipped.errorText).toBe(`This person was mailed at ${last}; the next mail may follow 2 d later.`);
  });

  it('is off without the option', async () => {
    people({ lately: hoursAgo(0.1) });
    const app = await rig.boot({ profileRepository: Customers });
    await app.sender.sendEmailMessage(INFO, ids('lately'), false, true);
    expect(rig.inbox.messages).toHaveLength(1);
  });

  it('counts mailings of our own, and is ignored by a mailing that says so, also after a restart', async () => {
    people({ ann: null, bob: null });
    const mailing = { profileRepository: Customers, profiles: { hoursContactFatigue: 36 } };
    const app = await rig.boot(mailing);
    const send = async (info: object, persist = true): Promise<(number | null)[]> => {
      const options = { runInSeparateThread: false, persist };
      const { completed } = await app.sender.sendEmailMessage(
        { ...INFO, ...info },
        ids('ann', 'bob'),
        options,
      );
      const { numSent, numSkipped } = await completed;
      return [numSent, numSkipped];
    };
    expect(await send({})).toEqual([2, 0]);
    expect(Math.abs(profiles.get('ann')!.lastEmailed!.getTime() - Date.now())).toBeLessThan(60_000);
    expect(await send({})).toEqual([0, 2]);
    expect(await send({}, false)).toEqual([0, 2]);
    expect(await send({ ignoreContactFatigue: true }, false)).toEqual([2, 0]);

    const options = { persist: true, sendAt: new Date(Date.now() + 500) };
    const info = { ...INFO, ignoreContactFatigue: true };
    const { mailingId } = await app.sender.sendEmailMessage(info, ids('ann', 'bob'), options);
    await app.close();
    rig.apps.length = 0;
    await rig.boot(mailing);
    expect(await rig.reached(mailingId!, 'completed')).toMatchObject({ numSent: 2, numSkipped: 0 });
  });

  it('does not prevent the next attempt: a deferral is no contact', async () => {
    people({ ann: null, bob: null });
    let refusals = 2;
    rig.inbox.answer = ({ command, to }) =>
      command === 'RCPT' && to.at(-1)?.startsWith('ann') && refusals-- > 0
        ? { code: 450, text: '4.2.0 Greylisted, come back later' }
        : undefined;
    const app = await rig.boot({
      profileRepository: Customers,
      profiles: { daysContactFatigue: 30 },
      retry: { initialDelayMs: 20, maxDelayMs: 50 },
    });
    const { mailingId } = await app.sender.sendEmailMessage(INFO, ids('ann', 'bob'), false, true);
    expect(await app.query.get(mailingId!)).toMatchObject({ numSent: 2, numSkipped: 0 });
    expect(profiles.get('ann')!.lastEmailed).toBeInstanceOf(Date);
  });

  it('counts contacts that this process knows and the host could not write', async () => {
    people({ ann: null });
    const app = await rig.boot({
      profileRepository: ForgetfulCustomers,
      profiles: { hoursContactFatigue: 1 },
    });
    await app.sender.sendEmailMessage(INFO, ids('ann'), false, true);
    const { completed } = await app.sender.sendEmailMessage(INFO, ids('ann'), false, true);
    expect(await completed).toMatchObject({ numSent: 0, numSkipped: 1 });
    expect(profiles.get('ann')!.lastEmailed).toBeNull();
  });
});
