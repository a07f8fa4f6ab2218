import type { ConnectionOptions } from 'node:tls';
import { LdapOptionsError } from './ldap.errors.js';
import { kindOf } from '../../mailing/src/index.js';
import { checkNames, numberOf, textOf } from './option.check.js';

/** Where the directory is, and how to log in. */
export interface LdapClientOptions {
  /** `ldap://host`, `ldap://host:389` or `ldaps://host:636`. */
  url: string;
  /** The user to log in as. Default: none. The directory then shows what it shows to anonymous clients. */
  bindDn?: string;
  /** Goes with `bindDn`. Over `ldap:` without `startTls`, it is sent unencrypted. */
  bindPassword?: string;
  /** Switches a connection of `ldap:` to TLS before anything else is sent. Default: false. */
  startTls?: boolean;
  /** Options of Node's `tls.connect`, for example `{ ca }`; only with `ldaps:` or `startTls`. */
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

export const CLIENT_OPTIONS = [
  'url',
  'bindDn',
  'bindPassword',
  'startTls',
  'tls',
  'connectTimeoutMs',
  'timeoutMs',
] as const satisfies (keyof LdapClientOptions)[];

const MAX_MS = 600_000;

/** @throws LdapOptionsError naming the first option that is missing, unknown or out of its bounds. */
export function toLdapClientSettings(options: LdapClientOptions): LdapClientSettings {
  checkNames('options', options, CLIENT_OPTIONS);
  const url = urlOf(options.url);
  return {
    url: `${url.protocol}//${url.host}`,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    login: loginOf(options),
    ...securityOf(url, options),
    connectTimeoutMs: numberOf('connectTimeoutMs', options.connectTimeoutMs ?? 5_000, 1, MAX_MS),
    timeoutMs: numberOf('timeoutMs', options.timeoutMs ?? 10_000, 1, MAX_MS),
  };
}

function urlOf(value: unknown): URL {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : null;
  const isLdap = url !== null && /^ldaps?:$/.test(url.protocol) && url.hostname !== '';
  const hasMore =
    isLdap && (!/^\/?$/.test(url.pathname) || Boolean(url.search || url.username || url.password));
  if (isLdap && !hasMore) return url;
  throw new LdapOptionsError(
    'url',
    'ldap://host:port or ldaps://host:port and nothing more',
    // It may hold a password.
    kindOf(value),
  );
}

function loginOf({ bindDn, bindPassword }: LdapClientOptions): LdapClientSettings['login'] {
  if (bindDn === undefined && bindPassword === undefined) return null;
  return {
    dn: textOf('bindDn', bindDn),
    // With an empty password, servers log in without a check, as an anonymous client, and that may see no entry.
    password: textOf('bindPassword', bindPassword),
  };
}

function securityOf(
  url: URL,
  { startTls = false, tls }: LdapClientOptions,
): { startTls: boolean; tls: object } {
  if (typeof startTls !== 'boolean') {
    throw new LdapOptionsError('startTls', 'true or false', kindOf(startTls));
  }
  const isSecure = url.protocol === 'ldaps:';
  if (startTls && isSecure) {
    throw new LdapOptionsError(
      'startTls',
      'false with an ldaps: url, which is TLS from the beginning',
      'true',
    );
  }
  if (tls === undefined) return { startTls, tls: {} };
  if (typeof tls !== 'object' || tls === null) {
    throw new LdapOptionsError('tls', 'an object with options of tls.connect', kindOf(tls));
  }
  if (!isSecure && !startTls) {
    throw new LdapOptionsError(
      'tls',
      'absent without ldaps: and without startTls, or it has no effect',
      'it',
    );
  }
  return { startTls, tls };
}
