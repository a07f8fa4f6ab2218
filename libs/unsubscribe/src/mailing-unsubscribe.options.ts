import type { Type } from '@nestjs/common';
import { kindOf, type ProfileRepository, type SuppressionList } from '../../mailing/src/index.js';
import { MailingUnsubscribeOptionsError } from './mailing-unsubscribe.errors.js';
import type { UnsubscribeTexts } from './unsubscribe.page.js';

/** Options of `MailingUnsubscribeModule.forRoot`; in an application with `MailingModule`, none is needed. */
export interface MailingUnsubscribeOptions {
  /**
   * The repository whose `setReceiveEmail` marks profiles; a provider of the host, or a class that Nest instantiates. Default: the profile
   * repository of `MailingModule` in the same application.
   */
  profileRepository?: Type<ProfileRepository>;
  /**
   * The list that plain addresses are added to; a provider of the host, or a class that Nest instantiates. Default: the suppression list of
   * `MailingModule` in the same application, which is its own table if the host gave none.
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

const NAMES = ['profileRepository', 'suppressionList', 'secret', 'texts'];

/** @throws MailingUnsubscribeOptionsError naming the first option that is missing, unknown or wrong. */
export function checkOptions(options: MailingUnsubscribeOptions): MailingUnsubscribeOptions {
  if (typeof options !== 'object' || options === null) {
    throw new MailingUnsubscribeOptionsError('options', 'an object', kindOf(options));
  }
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown) {
    throw new MailingUnsubscribeOptionsError(unknown, `absent, the options are ${NAMES.join(', ')}`, 'it');
  }
  for (const option of ['profileRepository', 'suppressionList'] as const) {
    const value: unknown = options[option];
    if (typeof value === 'function' || value === undefined) continue;
    throw new MailingUnsubscribeOptionsError(option, 'a class', kindOf(value));
  }
  return options;
}
