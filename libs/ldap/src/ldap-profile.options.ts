import {
  custom,
  group,
  type OptionPlace,
  type OptionSchema,
  readOptions,
  type ReadOptions,
  text,
  whole,
} from '../../mailing/src/parts.js';
import {
  clientSettingsOf,
  LDAP_CLIENT_OPTIONS,
  type LdapClientOptions,
  type LdapClientSettings,
} from './ldap-client.options.js';
import { LDAP_PLACE } from './ldap.errors.js';

/** The attributes that a profile is read from. */
export interface LdapAttributes {
  /** The address; of several values the first one, as with `name`, `locale` and `lastEmailed`. Default: `mail`. */
  email?: string;
  /** The display name; false: none. Default: `cn`. */
  name?: string | false;
  /**
   * Languages as browsers send them, of which the first one is used: of `de-AT, en;q=0.5` it is `de-AT`; false: none. Default:
   * `preferredLanguage`.
   */
  locale?: string | false;
  /**
   * With the values that mean `invalid`, if the entry has one of them, whatever their case, for example
   * `{ attribute: 'mailStatus', invalid: ['bounced'] }`. Without it, every address is valid. Default: null.
   */
  emailStatus?: { attribute: string; invalid: string[] } | null;
  /**
   * With the values that mean no, if the entry has one of them, whatever their case, for example
   * `{ attribute: 'wantsMail', no: ['FALSE', 'no'] }`. Without it, every profile receives mail. Default: null.
   */
  receiveEmail?: { attribute: string; no: string[] } | null;
  /** A GeneralizedTime such as `20260131120000Z`, or an ISO date; anything else counts as never. Default: null. */
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
  /** The attributes of an entry that become fields of a profile. */
  attributes?: LdapAttributes;
  /**
   * Look-ups in flight at a time, over the one connection. Default: 50. Bounds: 1 to 1,000. With 1, every recipient waits for the one
   * before it. More than the server accepts (OpenLDAP: 100 without a login, 1,000 with one) ends the connection.
   */
  maxConcurrentLookups?: number;
}

const attribute = custom('attribute', 'required', readAttribute);

const list = custom('list of texts', 'required', (at, given) => {
  const isList = Array.isArray(given) && given.length > 0 && given.every((word) => typeof word === 'string');
  if (isList) return given as string[];
  throw at.wrong('a list of at least one text', given);
});

const ATTRIBUTES = {
  email: custom('attribute', '`mail`', (at, given) => readAttribute(at, given ?? 'mail')),
  name: attributeOrFalse('cn'),
  locale: attributeOrFalse('preferredLanguage'),
  emailStatus: custom('`{ attribute, invalid }`', 'null', (at, given) =>
    (given ?? null) === null ? null : readOptions(at, { attribute, invalid: list }, given),
  ),
  receiveEmail: custom('`{ attribute, no }`', 'null', (at, given) =>
    (given ?? null) === null ? null : readOptions(at, { attribute, no: list }, given),
  ),
  lastEmailed: custom('attribute', 'null', (at, given) =>
    (given ?? null) === null ? null : readAttribute(at, given),
  ),
  data: custom('attributes by the names of variables', 'none', readVariables),
} satisfies OptionSchema<LdapAttributes>;

/** All options of `LdapProfileRepository` and of `MailingLdapModule`. */
export const LDAP_PROFILE_OPTIONS = {
  ...LDAP_CLIENT_OPTIONS,
  base: text({ default: null, words: 'null' }),
  attributes: group(ATTRIBUTES),
  maxConcurrentLookups: whole({ default: 50, min: 1, max: 1_000 }),
} satisfies OptionSchema<LdapProfileOptions>;

/** The attributes with every default filled in. */
export type LdapAttributeSettings = ReadOptions<typeof ATTRIBUTES>;

/** The options with every default filled in and every bound checked. */
export interface LdapProfileSettings {
  client: LdapClientSettings;
  base: string | null;
  attributes: LdapAttributeSettings;
  maxConcurrentLookups: number;
}

/** @throws LdapOptionsError naming the first option that is missing, unknown or out of its bounds. */
export function toLdapProfileSettings(options: LdapProfileOptions): LdapProfileSettings {
  const read = readOptions(LDAP_PLACE, LDAP_PROFILE_OPTIONS, options);
  const { base, attributes, maxConcurrentLookups, ...client } = read;
  return { client: clientSettingsOf(client), base, attributes, maxConcurrentLookups };
}

function attributeOrFalse(byDefault: string) {
  return custom('attribute, or false', `\`${byDefault}\``, (at, given) =>
    given === false ? null : readAttribute(at, given ?? byDefault),
  );
}

/** RFC 4512: a name or an OID, with options such as `;lang-de`. */
function readAttribute(at: OptionPlace, value: unknown): string {
  if (typeof value === 'string' && /^[a-z0-9][a-z0-9.-]*(;[a-z0-9-]+)*$/i.test(value)) return value;
  throw at.wrong('the name of an attribute', value);
}

function readVariables(at: OptionPlace, given: unknown): Record<string, string> {
  const data = given ?? {};
  if (typeof data !== 'object' || Array.isArray(data))
    throw at.wrong('an object of names and attributes', data);
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, readAttribute(at.of(name), value)]),
  );
}
