import type { ConnectionOptions } from 'node:tls';
import {
  custom,
  flag,
  type OptionPlace,
  type OptionSchema,
  readOptions,
  type ReadOptions,
  text,
  whole,
} from '../../mailing/src/parts.js';
import { LDAP_PLACE } from './ldap.errors.js';

/** Where the directory is, and how to log in. */
export interface LdapClientOptions {
  /** Protocol, host and port and nothing more: `ldap://host`, `ldap://host:389` or `ldaps://host:636`. */
  url: string;
  /** The user to log in as. Without one, the directory shows what it shows to anonymous clients. Default: none. */
  bindDn?: string;
  /**
   * Goes with `bindDn`: one without the other is refused. Default: none. Over `ldap:` without `startTls`, it is sent unencrypted.
   */
  bindPassword?: string;
  /** Switches a connection of `ldap:` to TLS before anything else is sent. Default: false. */
  startTls?: boolean;
  /**
   * Options of Node's `tls.connect`, for example `{ ca }`; only with `ldaps:` or `startTls`. Default: those of Node. The certificate of the
   * server has to name the host of `url`.
   */
  tls?: ConnectionOptions;
  /** How long a connection may take until it is logged in, in milliseconds. Default: 5,000. Bounds: 1 to 600,000. */
  connectTimeoutMs?: number;
  /** How long one answer may take, in milliseconds; after that the connection is given up. Default: 10,000. Bounds: 1 to 600,000. */
  timeoutMs?: number;
}

/** The options with every default filled in and every bound checked. */
export interface LdapClientSettings {
  /** Only protocol, host and port. */
  url: string;
  host: string;
  login: { dn: string; password: string } | null;
  startTls: boolean;
  tls: ConnectionOptions;
  connectTimeoutMs: number;
  timeoutMs: number;
}

const TIMEOUT = { min: 1, max: 600_000 };

export const LDAP_CLIENT_OPTIONS = {
  url: custom('URL', 'required', readUrl),
  bindDn: text({ default: null, words: 'none' }),
  // With an empty password, servers log in without a check, as an anonymous client, and that may see no entry.
  bindPassword: text({ default: null, words: 'none' }),
  startTls: custom<boolean, { url: string }>('true or false', 'false', (at, given, { url }) => {
    const startTls = flag(false).read(at, given, undefined);
    if (!startTls || !isSecure(url)) return startTls;
    throw at.wrong('false with an ldaps: url, which is TLS from the beginning', given, 'true');
  }),
  tls: custom<ConnectionOptions, { url: string; startTls: boolean }>(
    'options of `tls.connect`',
    'those of Node',
    (at, given, { url, startTls }) => {
      if ((given ?? null) === null) return {};
      if (typeof given !== 'object') throw at.wrong('an object with options of tls.connect', given);
      if (isSecure(url) || startTls) return given as ConnectionOptions;
      throw at.wrong('absent without ldaps: and without startTls, or it has no effect', given);
    },
  ),
  connectTimeoutMs: whole({ default: 5_000, ...TIMEOUT }),
  timeoutMs: whole({ default: 10_000, ...TIMEOUT }),
} satisfies OptionSchema<LdapClientOptions>;

/** @throws LdapOptionsError naming the first option that is missing, unknown or out of its bounds. */
export function toLdapClientSettings(options: LdapClientOptions): LdapClientSettings {
  return clientSettingsOf(readOptions(LDAP_PLACE, LDAP_CLIENT_OPTIONS, options));
}

/** @throws LdapOptionsError if there is half a login. */
export function clientSettingsOf(read: ReadOptions<typeof LDAP_CLIENT_OPTIONS>): LdapClientSettings {
  const { bindDn: dn, bindPassword: password, ...others } = read;
  if (dn === null && password !== null)
    throw LDAP_PLACE.of('bindDn').wrong('given together with bindPassword', undefined);
  if (dn !== null && password === null)
    throw LDAP_PLACE.of('bindPassword').wrong('given together with bindDn', undefined);
  return {
    ...others,
    host: new URL(read.url).hostname.replace(/^\[|\]$/g, ''),
    login: dn === null || password === null ? null : { dn, password },
  };
}

function readUrl(at: OptionPlace, value: unknown): string {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : null;
  const isLdap = url !== null && /^ldaps?:$/.test(url.protocol) && url.hostname !== '';
  const hasMore =
    isLdap && (!/^\/?$/.test(url.pathname) || Boolean(url.search || url.username || url.password));
  if (isLdap && !hasMore) return `${url.protocol}//${url.host}`;
  throw at.wrong('ldap://host:port or ldaps://host:port and nothing more', value);
}

function isSecure(url: string): boolean {
  return url.startsWith('ldaps:');
}
