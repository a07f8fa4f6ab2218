export { LdapProfileRepository } from './ldap-profile.repository.js';
export type { LdapAttributes, LdapProfileOptions } from './ldap-profile.options.js';
export type { LdapClientOptions } from './ldap-client.options.js';
export { LdapOptionsError, LdapUnavailableError } from './ldap.errors.js';
