import type { AddressInfo } from 'node:net';
import { type DynamicModule, Injectable, Module } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import {
  type MailingEventMap,
  MailingOptionsError,
  type ProfileRepository,
  type RecipientProfile,
  type SuppressionList,
  UnsubscribeSecretError,
  UnsubscribeTokens,
} from 'nestjs-mailing';
import {
  MailingUnsubscribeModule,
  type MailingUnsubscribeOptions,
  MailingUnsubscribeOptionsError,
  type MailingUnsubscribeOptionsFactory,
  Unsubscriber,
} from 'nestjs-mailing/unsubscribe';
import { afterEach, describe, expect, it } from 'vitest';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { INFO, MailingRig } from '../support/hosts/mailing-rig.js';
import type { MailingApp } from '../support/hosts/mailing-app.js';

const secret = 'a secret that only tests know, and nobody else';
const unsubscribe = { baseUrl: 'https://shop.example/unsubscribe', secret };
const tokens = new UnsubscribeTokens(secret);

/** The host's profiles, in memory. */
@Injectable()
class Profiles implements ProfileRepository {
  readonly receiving = new Map([
    ['ann', true],
    ['bob', true],
  ]);
  isAway = false;

  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    return new Map(
      ids.map((id) => [id, { email: `${id}@home.example`, receiveEmail: this.receiving.get(id) }]),
    );
  }

  async setReceiveEmail(ids: string[], receive: boolean): Promise<void> {
    if (this.isAway) throw new Error('the directory does not answer');
    for (const id of ids) this.receiving.set(id, receive);
  }
}

@Injectable()
class Suppressions implements SuppressionList {
  readonly list = new Map<string, string>();

  async findSuppressed(addresses: string[]): Promise<Set<string>> {
    return new Set(addresses.filter((one) => this.list.has(one)));
  }

  async suppress(address: string, reason: string): Promise<void> {
    this.list.set(address, reason);
  }

  async release(address: string): Promise<void> {
    this.list.delete(address);
  }
}

class ReadingOnly implements ProfileRepository {
  async findByIds(): Promise<Map<string, RecipientProfile>> {
    return new Map();
  }
}

@Module({ providers: [Profiles, Suppressions] })
class HostModule {}

const host = { module: HostModule };

forEachDatabase('UnsubscribeController', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  const serve = async (...imports: DynamicModule[]): Promise<{ app: MailingApp; url: string }> => {
    const modules = { imports: [host, ...imports] };
    const app = await rig.boot({ unsubscribe, profileRepository: Profiles }, modules);
    await app.nest.listen(0, '127.0.0.1');
    const { port } = app.nest.getHttpServer().address() as AddressInfo;
    return { app, url: `http://127.0.0.1:${port}` };
  };

  it('C14 a POST to the link of a message opts its recipient out of the next mailing; opening the link does not', async () => {
    const { app, url } = await serve(
      MailingUnsubscribeModule.forRoot({ profileRepository: Profiles, suppressionList: Suppressions }),
    );
    const unsubscribed: MailingEventMap['recipient:unsubscribed'][] = [];
    app.events.on('recipient:unsubscribed', (facts) => unsubscribed.push(facts));
    const list = [{ userId: 'ann' }, { userId: 'bob' }, 'Carl@home.example'];
    const { mailingId, completed } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    expect(await completed).toMatchObject({ numSent: 3 });
    const links = new Map<string, string>();
    for (const message of rig.inbox.messages) {
      const { headers } = await message.parsed();
      const { unsubscribe: link } = headers.get('list') as unknown as { unsubscribe: { url: string } };
      links.set(message.to[0], link.url.replace('https://shop.example', url));
    }

    for (const method of ['GET', 'HEAD', 'GET']) {
      for (const link of links.values()) expect((await fetch(link, { method })).status).toBe(200);
    }
    const profiles = app.nest.get(Profiles, { strict: false });
    const suppressions = app.nest.get(Suppressions, { strict: false });
    expect([[...profiles.receiving.values()], suppressions.list.size, unsubscribed]).toEqual([
      [true, true],
      0,
      [],
    ]);

    const body = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' });
    for (const address of ['ann@home.example', 'Carl@home.example']) {
      const answer = await fetch(links.get(address) as string, { method: 'POST', body, redirect: 'manual' });
      expect([answer.status, answer.headers.get('set-cookie')]).toEqual([200, null]);
    }
    expect([...profiles.receiving]).toEqual([
      ['ann', false],
      ['bob', true],
    ]);
    expect([...suppressions.list]).toEqual([['Carl@home.example', 'unsubscribed']]);
    expect(unsubscribed).toEqual([
      { mailingId, idx: 0, kind: 'profile', userId: 'ann' },
      { mailingId, idx: 2, kind: 'address', userId: null },
    ]);

    const again = await app.sender.sendEmailMessage(INFO, list.slice(0, 2), { persist: true });
    expect(await again.completed).toMatchObject({ numSent: 1, numSkipped: 1 });
    const { recipients } = await rig.progress(again.mailingId as string);
    expect(recipients.map(({ errorCode }) => errorCode)).toEqual(['opted_out', null]);
    expect(rig.inbox.countsByRecipient().get('ann@home.example')).toBe(1);
  });
});

describe('UnsubscribeController', () => {
  const apps: NestExpressApplication[] = [];

  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });

  const start = async (
    options: MailingUnsubscribeOptions,
    ...imports: DynamicModule[]
  ): Promise<{ app: NestExpressApplication; url: string }> => {
    const module = MailingUnsubscribeModule.forRoot(options);
    const testing = await Test.createTestingModule({ imports: [...imports, module] }).compile();
    const app = testing.createNestApplication<NestExpressApplication>({ logger: false });
    apps.push(app);
    await app.listen(0, '127.0.0.1');
    return {
      app,
      url: `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/unsubscribe`,
    };
  };
  const both = { profileRepository: Profiles, suppressionList: Suppressions, secret };
  const ann = (): string => tokens.sign({ mailingId: null, idx: 0, userId: 'ann' });

  it('accepts a repeated click, and a form of any kind: multipart, urlencoded, or none', async () => {
    const form = new FormData();
    form.set('List-Unsubscribe', 'One-Click');
    const { app, url } = await start(both, host);
    const profiles = app.get(Profiles, { strict: false });
    for (const body of [form, new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }), undefined]) {
      profiles.receiving.set('ann', true);
      for (const _ of ['first', 'second']) {
        expect((await fetch(`${url}?token=${ann()}`, { method: 'POST', body })).status).toBe(200);
        expect(profiles.receiving.get('ann')).toBe(false);
      }
    }
  });

  it('answers all invalid links alike, and writes nothing', async () => {
    const { app, url } = await start(both, host);
    const stranger = new UnsubscribeTokens('a secret of somebody else, who knows no better').sign({
      mailingId: null,
      idx: 0,
      userId: 'ann',
    });
    const good = ann();
    const queries = [
      '',
      '?token=',
      '?token=x',
      `?token=${stranger}`,
      `?token=${good.slice(0, -1)}`,
      `?token=${good}&token=${good}`,
      `?token[a]=${good}`,
      `?token=${'1'.repeat(5_000)}`,
    ];
    const pages = new Set<string>();
    for (const query of queries) {
      for (const method of ['GET', 'POST']) {
        const answer = await fetch(url + query, { method });
        expect([query.slice(0, 20), method, answer.status]).toEqual([query.slice(0, 20), method, 400]);
        pages.add(await answer.text());
      }
    }
    expect(pages.size).toBe(1);
    expect([...pages][0]).toContain('This link does not work');
    expect(app.get(Profiles, { strict: false }).receiving.get('ann')).toBe(true);
  });

  it('shows a page that does not leak the token, with a form that posts to its own URL', async () => {
    const { url } = await start(both, host);
    const token = ann();
    const answer = await fetch(`${url}?token=${token}`);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-robots-tag': 'noindex',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    });
    const html = await answer.text();
    expect(html).toContain('<html lang="en">');
    expect(html).toMatch(
      /<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">/,
    );
    expect(html).toMatch(/<button type="submit">Unsubscribe<\/button>/);
    expect(html).not.toMatch(/<script|https?:|ann|token/);
  });

  it('shows the host’s own texts, escaped', async () => {
    const texts = { language: 'de"><script>', title: 'Abmelden & <b>', button: "Ja's", invalid: '<i>' };
    const { url } = await start({ ...both, texts }, host);
    const html = await (await fetch(`${url}?token=${ann()}`)).text();
    expect(html).not.toMatch(/<b>|<script/);
    expect(html).toContain('Abmelden &#38; &#60;b&#62;');
    expect(html).toContain('Do you want to stop receiving our e-mails?');
    expect(await (await fetch(url)).text()).toContain('<p>&#60;i&#62;</p>');
  });

  it('does not confirm what it can not store: 500 during an outage of the profiles, or without a place to write to', async () => {
    const { app, url } = await start({ profileRepository: Profiles, secret }, host);
    const profiles = app.get(Profiles, { strict: false });
    profiles.isAway = true;
    const link = `${url}?token=${ann()}`;
    expect((await fetch(link, { method: 'POST' })).status).toBe(500);
    profiles.isAway = false;
    expect((await fetch(link, { method: 'POST' })).status).toBe(200);
    const token = tokens.sign({ mailingId: null, idx: 0, email: 'carl@home.example' });
    expect((await fetch(`${url}?token=${token}`, { method: 'POST' })).status).toBe(500);
    await expect(app.get(Unsubscriber, { strict: false }).unsubscribe(token)).rejects.toMatchObject({
      code: 'MAILING_UNSUBSCRIBE_STORE_MISSING',
      option: 'suppressionList',
    });
  });

  it('accepts options of a factory, of a class, and classes that no module provides', async () => {
    class Configuration implements MailingUnsubscribeOptionsFactory {
      createMailingUnsubscribeOptions(): MailingUnsubscribeOptions {
        return both;
      }
    }
    for (const way of [{ useFactory: async () => both }, { useClass: Configuration }]) {
      const module = MailingUnsubscribeModule.forRootAsync(way);
      const testing = await Test.createTestingModule({ imports: [module] }).compile();
      await testing.init();
      expect(await testing.get(Unsubscriber, { strict: false }).unsubscribe(ann())).toBe(true);
      await testing.close();
    }
  });

  it.each([
    ['options', null],
    ['profileRepository', { secret }],
    ['profileRepository', { secret, profileRepository: {} }],
    ['profileRepository', { secret, profileRepository: ReadingOnly }],
    ['suppressionList', { secret, suppressionList: 'table' }],
    ['secret', { profileRepository: Profiles }],
    ['list', { ...both, list: Suppressions }],
    ['texts.headline', { ...both, texts: { headline: 'Bye' } }],
    ['texts.title', { ...both, texts: { title: 7 } }],
  ])('names %s in the error when it refuses %j at start', async (option, options) => {
    const starting = start(options as unknown as MailingUnsubscribeOptions);
    await expect(starting).rejects.toMatchObject({ code: 'MAILING_UNSUBSCRIBE_OPTIONS', option });
    await expect(starting).rejects.toBeInstanceOf(MailingUnsubscribeOptionsError);
  });

  it('refuses a short secret at start', async () => {
    await expect(start({ ...both, secret: 'short' })).rejects.toBeInstanceOf(UnsubscribeSecretError);
  });
});

describe('signed unsubscribe links that could not be one-click', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('stop the start over http', async () => {
    const http = { ...unsubscribe, baseUrl: 'http://shop.example/unsubscribe' };
    await expect(rig.boot({ unsubscribe: http })).rejects.toBeInstanceOf(MailingOptionsError);
  });
});
