/**
 * Profiles and recipients from a directory.
 *
 * @module nestjs-mailing/ldap
 */
export { MailingLdapModule } from './mailing-ldap.module.js';
export type { MailingLdapOptionsFactory } from './mailing-ldap.definition.js';
export { LdapProfileRepository } from './ldap-profile.repository.js';
export type { LdapAttributes, LdapProfileOptions } from './ldap-profile.options.js';
export type { LdapClientOptions } from './ldap-client.options.js';
export { type LdapSearch, recipientsFromLdap } from './ldap-recipients.js';
export {
  type CompositeProfileOptions,
  CompositeProfileRepository,
  type ProfileColumn,
} from './composite-profile.repository.js';
export { LdapOptionsError, LdapUnavailableError } from './ldap.errors.js';
