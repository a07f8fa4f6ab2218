import type { Type } from '@nestjs/common';
import type { ProfileRepository, SuppressionList } from '../../mailing/src/index.js';
import {
  aClass,
  custom,
  group,
  type OptionSchema,
  readOptions,
  type ReadOptions,
} from '../../mailing/src/parts.js';
import { UNSUBSCRIBE_PLACE } from './mailing-unsubscribe.errors.js';
import { UNSUBSCRIBE_TEXTS, type UnsubscribeTexts } from './unsubscribe.texts.js';

/** Options of `MailingUnsubscribeModule.forRoot`; in an application with `MailingModule`, none is needed. */
export interface MailingUnsubscribeOptions {
  /**
   * The repository whose `setReceiveEmail` marks profiles; a provider of the host, or a class that Nest instantiates. Default: the profile
   * repository of `MailingModule` in the same application.
   */
  profileRepository?: Type<ProfileRepository>;
  /**
   * The list that plain addresses are added to; a provider of the host, or a class that Nest instantiates. Default: the suppression list of
   * `MailingModule` in the same application. That is a table of the plugin if the host gave none.
   */
  suppressionList?: Type<SuppressionList>;
  /**
   * The secret that the links are signed with, of at least 32 characters; a list while a secret is being replaced. Default: the option
   * `unsubscribe.secret` of `MailingModule` in the same application.
   */
  secret?: string | readonly string[];
  /** Texts that replace the English ones of the page; html is escaped. */
  texts?: Partial<UnsubscribeTexts>;
}

const OF_THE_MAILINGS = 'of `MailingModule` in the same application';

/** All options of `MailingUnsubscribeModule`. */
export const MAILING_UNSUBSCRIBE_OPTIONS = {
  profileRepository: aClass<ProfileRepository>(`the profile repository ${OF_THE_MAILINGS}`),
  suppressionList: aClass<SuppressionList>(`the suppression list ${OF_THE_MAILINGS}`),
  // UnsubscribeTokens check it; an error here would have to be as careful with it.
  secret: custom(
    'text of at least 32 characters, or a list of them',
    `the option \`unsubscribe.secret\` ${OF_THE_MAILINGS}`,
    (_, given) => (given ?? null) as string | readonly string[] | null,
  ),
  texts: group(UNSUBSCRIBE_TEXTS),
} satisfies OptionSchema<MailingUnsubscribeOptions>;

/** The options with every default filled in. */
export type MailingUnsubscribeSettings = ReadOptions<typeof MAILING_UNSUBSCRIBE_OPTIONS>;

/** @throws MailingUnsubscribeOptionsError naming the first option that is missing, unknown or wrong. */
export function toMailingUnsubscribeSettings(options: MailingUnsubscribeOptions): MailingUnsubscribeSettings {
  return readOptions(UNSUBSCRIBE_PLACE, MAILING_UNSUBSCRIBE_OPTIONS, options);
}
