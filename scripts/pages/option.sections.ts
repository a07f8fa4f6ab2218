// What docs/options.md is made of: each schema, with the interfaces that hold the words of its options.
import { BULL_MQ_OPTIONS } from '../../libs/bullmq/src/mailing-bull-mq.options.js';
import { COMPOSITE_OPTIONS } from '../../libs/ldap/src/composite-profile.repository.js';
import { LDAP_PROFILE_OPTIONS } from '../../libs/ldap/src/ldap-profile.options.js';
import { LDAP_SEARCH } from '../../libs/ldap/src/ldap-recipients.js';
import { MAILING_OPTIONS } from '../../libs/mailing/src/model/options/mailing-options.schema.js';
import type { OptionKind } from '../../libs/mailing/src/model/options/option-kinds.js';
import { SCENARIOS_OPTIONS, SEND_EMAIL_OPTIONS } from '../../libs/scenarios/src/scenario.options.js';
import { MAILING_UNSUBSCRIBE_OPTIONS } from '../../libs/unsubscribe/src/mailing-unsubscribe.options.js';

// oxlint-disable-next-line no-explicit-any
export type Schema = Readonly<Record<string, OptionKind<any> & { schema?: Schema }>>;

/** Options that are given in one place, with their groups. */
export interface OptionSection {
  /** Heading of the options that are in no group. */
  heading: string;
  /** The prefix of headings of groups. */
  part: string;
  /** Below the heading. */
  intro: string;
  schema: Schema;
  /** Path of the options themselves, as errors name it. */
  path: string;
  /** Interfaces by the path of their group; of several, the first one that has the option. */
  interfaces: Record<string, string[]>;
  /** Files of the interfaces. */
  files: string[];
}

const MAILING = 'libs/mailing/src/model/options';

export const OPTION_SECTIONS: OptionSection[] = [
  {
    heading: 'At the top',
    part: '',
    intro: '',
    schema: MAILING_OPTIONS,
    path: '',
    interfaces: {
      '': ['MailingModuleOptions'],
      templates: ['TemplateOptions'],
      'templates.text': ['TextOptions'],
      addresses: ['AddressOptions'],
      profiles: ['ProfileOptions'],
      run: ['RunOptions'],
      retry: ['RetryOptions'],
      errorGuard: ['ErrorGuardOptions'],
      server: ['ServerOptions'],
      batch: ['BatchOptions'],
      attachments: ['AttachmentOptions'],
      journal: ['JournalOptions'],
      unsubscribe: ['UnsubscribeOptions'],
    },
    files: [
      'mailing-options.ts',
      'run-options.ts',
      'server-options.ts',
      'recipient-options.ts',
      'content-options.ts',
      'unsubscribe.options.ts',
      '../mail/text-options.ts',
    ].map((file) => `${MAILING}/${file}`),
  },
  {
    heading: 'Of the module itself',
    part: '',
    intro: '`forRoot` takes these with the others; with `forRootAsync` they stand beside the factory.',
    schema: {},
    path: '',
    interfaces: { '': ['MailingModuleExtras'] },
    files: ['libs/mailing/src/module/mailing-module.definition.ts'],
  },
  {
    heading: 'nestjs-mailing/bullmq',
    part: 'nestjs-mailing/bullmq: ',
    intro:
      '`MailingBullMqModule.forRoot` and `forRootAsync` take these, and refuse them with `MailingBullMqOptionsError`. All servers that share a queue need the same ones. See [several servers](scaling.md#redis-wake-up).',
    schema: BULL_MQ_OPTIONS,
    path: '',
    interfaces: { '': ['MailingBullMqOptions'] },
    files: ['libs/bullmq/src/mailing-bull-mq.options.ts'],
  },
  {
    heading: 'nestjs-mailing/ldap',
    part: 'nestjs-mailing/ldap: ',
    intro:
      '`MailingLdapModule.forRoot`, `forRootAsync` and `LdapProfileRepository` take these, and refuse them with `LdapOptionsError`. `recipientsFromLdap` takes those from `url` to `timeoutMs`, and a search. See [people in an LDAP directory](ldap.md).',
    schema: LDAP_PROFILE_OPTIONS,
    path: '',
    interfaces: { '': ['LdapProfileOptions', 'LdapClientOptions'], attributes: ['LdapAttributes'] },
    files: ['libs/ldap/src/ldap-profile.options.ts', 'libs/ldap/src/ldap-client.options.ts'],
  },
  {
    heading: 'nestjs-mailing/ldap: the search of `recipientsFromLdap`',
    part: '',
    intro: 'See [a list from a search](ldap.md#a-list-from-a-search).',
    schema: LDAP_SEARCH,
    path: 'search',
    interfaces: { search: ['LdapSearch'] },
    files: ['libs/ldap/src/ldap-recipients.ts'],
  },
  {
    heading: 'nestjs-mailing/ldap: `CompositeProfileRepository`',
    part: '',
    intro: 'See [what the plugin notes about people](ldap.md#what-the-plugin-notes-about-people).',
    schema: COMPOSITE_OPTIONS,
    path: '',
    interfaces: { '': ['CompositeProfileOptions'] },
    files: ['libs/ldap/src/composite-profile.repository.ts'],
  },
  {
    heading: 'nestjs-mailing/scenarios',
    part: 'nestjs-mailing/scenarios: ',
    intro:
      '`MailingScenariosModule.forRoot` takes these, and refuses them with `ScenarioOptionsError`. See [scenarios](slots-and-scenarios.md#scenarios).',
    schema: SCENARIOS_OPTIONS,
    path: '',
    interfaces: { '': ['MailingScenariosOptions'] },
    files: ['libs/scenarios/src/scenario.options.ts'],
  },
  {
    heading: 'nestjs-mailing/scenarios: `@SendEmail`',
    part: '',
    intro: 'It also takes the fields of a `TemplateEmailInfo`, except for `templateUrl` and `batchExecId`.',
    schema: SEND_EMAIL_OPTIONS,
    path: '',
    interfaces: { '': ['SendEmailOptions'] },
    files: ['libs/scenarios/src/scenario.options.ts'],
  },
  {
    heading: 'nestjs-mailing/unsubscribe',
    part: 'nestjs-mailing/unsubscribe: ',
    intro:
      '`MailingUnsubscribeModule.forRoot` and `forRootAsync` take these, and refuse them with `MailingUnsubscribeOptionsError`, a secret that is too short with `UnsubscribeSecretError`. Beside `MailingModule` none is needed. See [unsubscribing](unsubscribe.md).',
    schema: MAILING_UNSUBSCRIBE_OPTIONS,
    path: '',
    interfaces: { '': ['MailingUnsubscribeOptions'], texts: ['UnsubscribeTexts'] },
    files: [
      'libs/unsubscribe/src/mailing-unsubscribe.options.ts',
      'libs/unsubscribe/src/unsubscribe.texts.ts',
    ],
  },
];
