import { FilterParser } from 'ldapts';
import { kindOf, publicReasonOf, type ProfileRecipient } from '../../mailing/src/index.js';
import { LdapConnection } from './ldap.connection.js';
import { type LdapClientOptions, toLdapClientSettings } from './ldap-client.options.js';
import { LdapOptionsError } from './ldap.errors.js';
import { checkNames, numberOf, textOf } from './option.check.js';

/** Whom a list is made of. */
export interface LdapSearch {
  /** The entry below which to search, at any depth; it is looked at too. */
  base: string;
  /** As in RFC 4515, for example `(&(objectClass=person)(l=Graz))`. */
  filter: string;
  /** Entries in one answer. Default: 500. Bounds: 1 to 10,000. What the server refuses as too many ends the list with an error. */
  pageSize?: number;
}

/**
 * The people that a search finds, as recipients with their distinguished name as `userId`, page by page (RFC 2696) over a
 * connection of its own: memory stays that of one page, however many there are.
 *
 * It has no people of entries that the server refers elsewhere for. A server that ends a page without an entry and still has more is taken for
 * one that has no more; OpenLDAP does no such thing.
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
  checkNames('search', search, ['base', 'filter', 'pageSize']);
  const base = textOf('search.base', search.base);
  const filter = filterOf(search.filter);
  const pageSize = numberOf('search.pageSize', search.pageSize ?? 500, 1, 10_000);

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

function filterOf(value: unknown): string {
  const filter = textOf('search.filter', value);
  try {
    FilterParser.parseString(filter);
    return filter;
  } catch (error) {
    const got = `${kindOf(value)}: ${publicReasonOf(error)}`;
    throw new LdapOptionsError('search.filter', 'a filter as in RFC 4515', got);
  }
}
