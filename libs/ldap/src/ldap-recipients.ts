import { FilterParser } from 'ldapts';
import { kindOf, publicReasonOf, type ProfileRecipient } from '../../mailing/src/index.js';
import {
  custom,
  type OptionPlace,
  type OptionSchema,
  readOptions,
  requiredText,
  whole,
} from '../../mailing/src/parts.js';
import { LdapConnection } from './ldap.connection.js';
import { type LdapClientOptions, toLdapClientSettings } from './ldap-client.options.js';
import { LDAP_PLACE } from './ldap.errors.js';

/** The search that a list is made from. */
export interface LdapSearch {
  /** The entry below which to search, at any depth; the entry itself is searched too. */
  base: string;
  /** As in RFC 4515, for example `(&(objectClass=person)(l=Graz))`. */
  filter: string;
  /** Entries in one answer. Default: 500. Bounds: 1 to 10,000. If the server refuses this many, the list ends with an error. */
  pageSize?: number;
}

/** All options of a search. */
export const LDAP_SEARCH = {
  base: requiredText,
  filter: custom('filter', 'required', readFilter),
  pageSize: whole({ default: 500, min: 1, max: 10_000 }),
} satisfies OptionSchema<LdapSearch>;

/**
 * The entries that a search finds, as recipients with their distinguished name as `userId`. They are read page by page (RFC 2696) over a
 * connection of its own: memory is that of one page, however many entries there are.
 *
 * Entries for which the server refers to another server are not included. If a server sends a page without entries although it has more,
 * the list ends there; OpenLDAP does not do that.
 *
 * @throws LdapOptionsError naming the option, when it is called.
 * @throws LdapUnavailableError while it is read; a list that breaks off is refused as a whole.
 *
 * @example
 * ```ts
 * const server = { url: 'ldaps://ldap.shop.example', bindDn: 'cn=mailer,o=shop', bindPassword: 'secret' };
 * const inGraz = recipientsFromLdap(server, { base: 'ou=People,o=shop', filter: '(l=Graz)' });
 * await sender.sendEmailMessage({ templateUrl: 'graz.hbs', subject: 'News', from: 'news@shop.example' }, inGraz, { persist: true });
 * ```
 */
export function recipientsFromLdap(
  options: LdapClientOptions,
  search: LdapSearch,
): AsyncGenerator<ProfileRecipient> {
  const settings = toLdapClientSettings(options);
  const { base, filter, pageSize } = readOptions(LDAP_PLACE.of('search'), LDAP_SEARCH, search);

  return (async function* recipients() {
    const connection = await LdapConnection.open(settings);
    try {
      for await (const page of connection.pages(base, filter, pageSize)) {
        for (const dn of page) yield { userId: dn };
      }
    } finally {
      await connection.close();
    }
  })();
}

function readFilter(at: OptionPlace, value: unknown): string {
  const filter = requiredText.read(at, value, undefined);
  try {
    FilterParser.parseString(filter);
    return filter;
  } catch (error) {
    throw at.wrong('a filter as in RFC 4515', value, `${kindOf(value)}: ${publicReasonOf(error)}`);
  }
}
