import { CLIENT_OPTIONS, type LdapClientOptions, type LdapClientSettings } from './ldap-client.options.js';
import { toLdapClientSettings } from './ldap-client.options.js';
import { LdapOptionsError } from './ldap.errors.js';
import { kindOf } from '../../mailing/src/index.js';
import { checkNames, numberOf, textOf } from './option.check.js';

/** The attributes that a profile is read from. Null: none. If an attribute has several values, the first one is used. */
export interface LdapAttributes {
  /** Default: `mail`. */
  email?: string;
  /** Default: `cn`. */
  name?: string | null;
  /** Languages as browsers send them; the first one is used. Default: `preferredLanguage`. */
  locale?: string | null;
  /** With the values that mean `invalid`, whatever their case. Default: null. Every address is valid then. */
  emailStatus?: { attribute: string; invalid: string[] } | null;
  /** With the values that mean no, whatever their case. Default: null. Every profile receives mail then. */
  receiveEmail?: { attribute: string; no: string[] } | null;
  /** A GeneralizedTime such as `20260131120000Z`, or an ISO date. Default: null. */
  lastEmailed?: string | null;
  /**
   * Variables of templates, for example `{ firstName: 'givenName' }`. An attribute with several values becomes a list. One that is missing
   * or is no text is left out. Default: none.
   */
  data?: Record<string, string>;
}

/** Options of `LdapProfileRepository` and of `MailingLdapModule.forRoot`. */
export interface LdapProfileOptions extends LdapClientOptions {
  /**
   * The entry below which all profiles are. If a profile is not found, this entry is looked up too. That tells a directory that is being
   * restored, or that shows nothing to this user, from profiles that are gone. Default: null, without that safeguard.
   */
  base?: string | null;
  attributes?: LdapAttributes;
  /**
   * Look-ups in flight at a time, over the one connection. Default: 50. Bounds: 1 to 1,000. With 1, every recipient waits for the one
   * before it. More than the server accepts (OpenLDAP: 100 without a login, 1,000 with one) ends the connection.
   */
  maxConcurrentLookups?: number;
}

/** The attributes with every default filled in. */
export type LdapAttributeSettings = Required<LdapAttributes>;

/** The options with every default filled in and every bound checked. */
export interface LdapProfileSettings {
  client: LdapClientSettings;
  base: string | null;
  attributes: LdapAttributeSettings;
  maxConcurrentLookups: number;
}

const NAMES = [...CLIENT_OPTIONS, 'base', 'attributes', 'maxConcurrentLookups'];
const ATTRIBUTES = ['email', 'name', 'locale', 'emailStatus', 'receiveEmail', 'lastEmailed', 'data'];

/** @throws LdapOptionsError naming the first option that is missing, unknown or out of its bounds. */
export function toLdapProfileSettings(options: LdapProfileOptions): LdapProfileSettings {
  checkNames('options', options, NAMES);
  const { base = null, attributes = {}, maxConcurrentLookups = 50, ...client } = options;
  return {
    client: toLdapClientSettings(client),
    base: base === null ? null : textOf('base', base),
    attributes: toAttributes(attributes),
    maxConcurrentLookups: numberOf('maxConcurrentLookups', maxConcurrentLookups, 1, 1_000),
  };
}

function toAttributes(attributes: LdapAttributes): LdapAttributeSettings {
  checkNames('attributes', attributes, ATTRIBUTES);
  const { email = 'mail', name = 'cn', locale = 'preferredLanguage', lastEmailed = null } = attributes;
  const { emailStatus = null, receiveEmail = null, data = {} } = attributes;
  const optional = (option: string, value: string | null): string | null =>
    value === null ? null : attribute(`attributes.${option}`, value);
  return {
    email: attribute('attributes.email', email),
    name: optional('name', name),
    locale: optional('locale', locale),
    lastEmailed: optional('lastEmailed', lastEmailed),
    emailStatus: withWords('attributes.emailStatus', 'invalid', emailStatus),
    receiveEmail: withWords('attributes.receiveEmail', 'no', receiveEmail),
    data: variables(data),
  };
}

function withWords<T extends { attribute: string } | null>(option: string, words: string, value: T): T {
  if (value === null) return value;
  checkNames(option, value, ['attribute', words]);
  const { attribute: name, [words]: list } = value as Record<string, unknown>;
  attribute(`${option}.attribute`, name);
  const isList = Array.isArray(list) && list.length > 0 && list.every((word) => typeof word === 'string');
  if (isList) return value;
  throw new LdapOptionsError(`${option}.${words}`, 'a list of at least one text', kindOf(list));
}

function variables(data: Record<string, string>): Record<string, string> {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new LdapOptionsError('attributes.data', 'an object of names and attributes', kindOf(data));
  }
  for (const [name, value] of Object.entries(data)) attribute(`attributes.data.${name}`, value);
  return { ...data };
}

/** RFC 4512: a name or an OID, with options such as `;lang-de`. */
function attribute(option: string, value: unknown): string {
  if (typeof value === 'string' && /^[a-z0-9][a-z0-9.-]*(;[a-z0-9-]+)*$/i.test(value)) return value;
  throw new LdapOptionsError(option, 'the name of an attribute', kindOf(value));
}
