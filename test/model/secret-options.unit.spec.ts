import { tmpdir } from 'node:os';
import { InvalidFieldError, type MailingModuleOptions, MissingFieldError } from 'nestjs-mailing';
import { CompositeProfileRepository, LdapProfileRepository } from 'nestjs-mailing/ldap';
import { MailingScenariosModule } from 'nestjs-mailing/scenarios';
import { describe, expect, it } from 'vitest';
import { toMailingBullMqSettings } from '../../libs/bullmq/src/mailing-bull-mq.options.js';
import { toMailingSettings } from '../../libs/mailing/src/model/options/mailing-settings.factory.js';
import {
  MailingDataSourceMissingError,
  TransporterMissingError,
} from '../../libs/mailing/src/model/options/setup.errors.js';
import { toMailingUnsubscribeSettings } from '../../libs/unsubscribe/src/mailing-unsubscribe.options.js';
import { printed } from '../support/told-of.js';

const SECRET = 'hunter2';
const LOGIN = `smtps://mailing:${SECRET}@mail.example`;

const mailing = (options: object) => (): unknown =>
  toMailingSettings({ templates: { dir: tmpdir() }, ...options } as MailingModuleOptions);
const raise = (error: Error) => (): never => {
  throw error;
};

/** Wrong values of a host, and the function that checks them. */
const WRONG: Record<string, () => unknown> = {
  'an unknown option': mailing({ smtpPassword: SECRET }),
  'an unknown option of a group': mailing({ run: { login: LOGIN } }),
  'bulkSmtp with a login': mailing({ bulkSmtp: { auth: { user: 'mailing', pass: SECRET } } }),
  'bulkSmtp with a text': mailing({ bulkSmtp: SECRET }),
  'a flag': mailing({ enabledAsTemplateMailServer: SECRET }),
  'a number': mailing({ run: { concurrency: SECRET } }),
  'a list': mailing({ migrationList: SECRET }),
  'a class': mailing({ profileRepository: SECRET }),
  'a policy': mailing({ inDoubt: SECRET }),
  'a word': mailing({ addresses: { unicodeLocalParts: SECRET } }),
  'a function': mailing({ addresses: { normalizer: SECRET } }),
  'a folder': mailing({ templates: { dir: LOGIN } }),
  'the folder of attachments': mailing({ attachments: { store: SECRET } }),
  'the folder of the journal': mailing({ journal: { dir: SECRET } }),
  'a sign of texts': mailing({ templates: { dir: tmpdir(), text: { hrChar: SECRET } } }),
  'a group': mailing({ unsubscribe: SECRET }),
  'an unknown option of unsubscribe': mailing({ unsubscribe: { sekret: SECRET } }),
  'a base URL with a login': mailing({
    unsubscribe: { baseUrl: `https://mailing:${SECRET}@shop.example`, secret: 'x'.repeat(32) },
  }),
  'a secret that is too short': mailing({
    unsubscribe: { baseUrl: 'https://shop.example', secret: SECRET },
  }),
  'a mailto with a login': mailing({ unsubscribe: { mailto: LOGIN } }),
  'a lifetime': mailing({
    unsubscribe: { baseUrl: 'https://shop.example', secret: 'x'.repeat(32), tokenLifetimeMs: SECRET },
  }),
  'the name of a data source': raise(new MailingDataSourceMissingError(LOGIN)),
  'the name of a transport': raise(new TransporterMissingError(LOGIN)),
  'the queue of BullMQ': () => toMailingBullMqSettings({ queueName: LOGIN }),
  'options of BullMQ': () => toMailingBullMqSettings(LOGIN as never),
  'the rate of BullMQ': () => toMailingBullMqSettings({ clusterRatePerSecond: SECRET as never }),
  'the connection of BullMQ': () => toMailingBullMqSettings({ connection: SECRET }),
  'the URL of a directory': () => new LdapProfileRepository({ url: LOGIN } as never),
  'the password of a directory': () =>
    new LdapProfileRepository({ url: 'ldap://ldap.example', bindDn: '', bindPassword: SECRET } as never),
  'an attribute of a directory': () =>
    new LdapProfileRepository({ url: 'ldap://ldap.example', attributes: { name: `${SECRET}!` } } as never),
  'columns of a directory': () =>
    new CompositeProfileRepository({
      primary: { findByIds: () => Promise.resolve(new Map()) },
      secondary: { findByIds: () => Promise.resolve(new Map()) },
      fromSecondary: [SECRET] as never,
    }),
  'a bound of scenarios': () => MailingScenariosModule.forRoot({ maxBatchSize: SECRET as never }),
  'options of the unsubscribe module': () => toMailingUnsubscribeSettings(SECRET as never),
  'a class of the unsubscribe module': () =>
    toMailingUnsubscribeSettings({ suppressionList: SECRET as never }),
  'a field of the info': raise(new InvalidFieldError('batched', 'true, false or absent', LOGIN)),
  'an empty field of the info': raise(new MissingFieldError('from', { pass: SECRET })),
};

describe('an error about a wrong value', () => {
  it.each(Object.entries(WRONG))('shows neither a secret nor a login: %s', (_, take) => {
    let error: unknown = null;
    try {
      take();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toMatch(/expected .* got |expected /);
    expect(printed(error)).not.toContain(SECRET);
    expect(JSON.stringify(error)).not.toContain(SECRET);
  });
});
