import type { AddressInfo } from 'node:net';
import { type DynamicModule, Injectable, Module, type Type } from '@nestjs/common';
import {
  type MailingModuleOptions,
  MailingProfiles,
  type ProfileRepository,
  type RecipientProfile,
  type SuppressionList,
  UnsubscribeTokens,
} from 'nestjs-mailing';
import { MailingUnsubscribeModule, Unsubscriber } from 'nestjs-mailing/unsubscribe';
import { describe, expect, it } from 'vitest';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import type { MailingApp } from '../support/hosts/mailing-app.js';
import { INFO, MailingRig } from '../support/hosts/mailing-rig.js';

const secret = 'a secret that only tests know, and nobody else';
const unsubscribe = { baseUrl: 'https://shop.example/unsubscribe', secret };
const tokens = new UnsubscribeTokens(secret);
const ofAnn = tokens.sign({ mailingId: null, idx: 0, userId: 'ann' });
const ofCarl = tokens.sign({ mailingId: null, idx: 0, email: 'carl@home.example' });

@Injectable()
class Profiles implements ProfileRepository {
  readonly gone: string[] = [];

  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    return new Map(
      ids.map((id) => [id, { email: `${id}@home.example`, receiveEmail: !this.gone.includes(id) }]),
    );
  }

  async setReceiveEmail(ids: string[]): Promise<void> {
    this.gone.push(...ids);
  }
}

/** Profiles of another repository. */
@Injectable()
class OtherProfiles extends Profiles {}

@Injectable()
class Suppressions implements SuppressionList {
  readonly list: string[] = [];

  async findSuppressed(): Promise<Set<string>> {
    return new Set(this.list);
  }

  async suppress(address: string): Promise<void> {
    this.list.push(address);
  }

  async release(): Promise<void> {}
}

class ReadingOnly implements ProfileRepository {
  async findByIds(): Promise<Map<string, RecipientProfile>> {
    return new Map();
  }
}

@Module({ providers: [Profiles, OtherProfiles, Suppressions] })
class HostModule {}

const boot = (
  rig: MailingRig,
  mailing: Partial<MailingModuleOptions>,
  module: DynamicModule = MailingUnsubscribeModule.forRoot(),
): Promise<MailingApp> =>
  rig.boot({ unsubscribe, ...mailing }, { imports: [{ module: HostModule }, module] });

forEachDatabase('MailingUnsubscribeModule without options', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('writes to the profiles and the suppression list that mailings read', async () => {
    const app = await boot(rig, { profileRepository: Profiles });
    await app.nest.listen(0, '127.0.0.1');
    const { port } = app.nest.getHttpServer().address() as AddressInfo;
    const list = [{ userId: 'ann' }, { userId: 'bob' }, 'Carl@home.example', 'dora@home.example'];
    await app.sender.sendEmailMessage(INFO, list, false, true);
    for (const name of ['ann', 'Carl']) {
      const message = rig.inbox.messages.find(({ to }) => to[0].startsWith(name));
      const link = /<([^>]+)>/.exec(message?.header('List-Unsubscribe') ?? '')?.[1] ?? '';
      const here = link.replace('https://shop.example', `http://127.0.0.1:${port}`);
      expect((await fetch(here, { method: 'POST' })).status).toBe(200);
    }
    const again = await app.sender.sendEmailMessage(INFO, list, false, true);
    const { recipients } = await rig.progress(again.mailingId as string);
    expect(recipients.map(({ errorCode }) => errorCode)).toEqual(['opted_out', null, 'suppressed', null]);
  });
});

describe('MailingUnsubscribeModule beside MailingModule', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const click = (app: MailingApp, token: string): Promise<boolean> =>
    app.nest.get(Unsubscriber, { strict: false }).unsubscribe(token);

  it('uses the host’s suppression list, and its own options before those of the mailings', async () => {
    const module = MailingUnsubscribeModule.forRootAsync({
      useFactory: () => ({ profileRepository: OtherProfiles }),
    });
    const mailing = { profileRepository: Profiles, suppressionList: Suppressions };
    const app = await boot(rig, mailing, module);
    expect(await click(app, ofAnn)).toBe(true);
    expect(await click(app, ofCarl)).toBe(true);
    const find = <T>(type: Type<T>): T => app.nest.get(type, { strict: false });
    expect(find(Profiles).gone).toEqual([]);
    expect(find(OtherProfiles).gone).toEqual(['ann']);
    expect(find(Suppressions).list).toEqual(['carl@home.example']);
    expect(find(MailingProfiles).inUse).toBe(find(Profiles));
  });

  it('confirms nothing for the kind of recipients that the mailings can not store', async () => {
    const app = await boot(rig, { profileRepository: Profiles, suppressionList: false });
    expect(await click(app, ofAnn)).toBe(true);
    await expect(click(app, ofCarl)).rejects.toMatchObject({ option: 'suppressionList' });
    const other = await boot(rig, { profileRepository: ReadingOnly, uniqServerId: 'test:2' });
    expect(await click(other, ofCarl)).toBe(true);
    await expect(click(other, ofAnn)).rejects.toMatchObject({ option: 'profileRepository' });
  });

  it.each([{}, { profileRepository: ReadingOnly }])(
    'does not start where no unsubscription can be stored: %j',
    async (mailing) => {
      const starting = boot(rig, { ...mailing, suppressionList: false });
      await expect(starting).rejects.toMatchObject({
        code: 'MAILING_UNSUBSCRIBE_OPTIONS',
        option: 'profileRepository',
      });
    },
  );
});
