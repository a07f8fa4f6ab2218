import { parseMailbox } from '../addresses/email-address.js';
import { MailingOptionsError } from './setup.errors.js';
import type { UnsubscribeOptions, UnsubscribeRecipient } from './unsubscribe.options.js';
import { UnsubscribeTokens } from './unsubscribe.tokens.js';

/** The checked unsubscribe options. */
export interface UnsubscribeSettings {
  /** Makes the link: the host's function, or one that signs for `baseUrl`; null if only `mailto` is given. */
  url: ((who: UnsubscribeRecipient) => unknown) | null;
  /** A mailto URL. */
  mailto: string | null;
  /** Verifies the tokens of `baseUrl` links; null without `baseUrl`. */
  tokens: UnsubscribeTokens | null;
}

const NAMES = ['baseUrl', 'secret', 'url', 'mailto', 'tokenLifetimeMs'];
const THIRTY_DAYS_MS = 2_592_000_000;
const TEN_YEARS_MS = 315_360_000_000;

/** Query parameter of a signed link that holds the token. */
export const TOKEN_PARAMETER = 'token';

/** Max length of a link: it fits a header line of 998 bytes and leaves some bytes to servers that forward the message. */
export const MAX_UNSUBSCRIBE_URL = 900;

const MAX_BASE_LENGTH = 200;

/** @throws MailingOptionsError naming the first option that is missing, wrong or contradicts another; never showing a secret. */
export function toUnsubscribeSettings(options: UnsubscribeOptions): UnsubscribeSettings {
  checkNames(options);
  const { baseUrl, secret, url, mailto, tokenLifetimeMs } = options;
  const mailtoUrl = mailto === undefined ? null : toMailto(mailto);
  if (baseUrl === undefined) {
    const orphan = secret === undefined ? tokenLifetimeMs && 'tokenLifetimeMs' : 'secret';
    if (orphan) throw wrong(orphan, 'absent, because there is no baseUrl whose links it signs', 'a value');
    if (url !== undefined && typeof url !== 'function') throw wrong('url', 'a function', url);
    if (url === undefined && mailtoUrl === null)
      throw wrong('baseUrl', 'there, or url, or mailto', undefined);
    return { url: url ?? null, mailto: mailtoUrl, tokens: null };
  }
  if (url !== undefined) throw wrong('url', 'absent where baseUrl is given', url);
  const base = toBase(baseUrl);
  const complaint = UnsubscribeTokens.complaintAbout(secret);
  if (complaint) throw wrong('secret', 'one or more texts of at least 32 characters', complaint);
  const lifetimeMs = lifetime(tokenLifetimeMs ?? null);
  const tokens = new UnsubscribeTokens(secret as string, { lifetimeMs });
  return { url: (who) => signed(base, tokens, who), mailto: mailtoUrl, tokens };
}

function checkNames(options: unknown): void {
  if (typeof options !== 'object' || options === null) {
    throw new MailingOptionsError('unsubscribe', 'an object', options);
  }
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  // The value is not shown: it may be a secret under a misspelled name.
  if (unknown) throw wrong(unknown, `absent, because the options here are ${NAMES.join(', ')}`, 'a value');
}

function signed(base: string, tokens: UnsubscribeTokens, who: UnsubscribeRecipient): string {
  const link = new URL(base);
  link.searchParams.set(TOKEN_PARAMETER, tokens.sign(who));
  return link.href;
}

/** https only: plain http shows the token to every machine on the way, and no mail provider posts to it. */
function toBase(baseUrl: unknown): string {
  const isText = typeof baseUrl === 'string' && baseUrl.length <= MAX_BASE_LENGTH;
  const url = isText && URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  const isGood =
    url?.protocol === 'https:' &&
    url.username === '' &&
    url.hash === '' &&
    url.href.length <= MAX_BASE_LENGTH;
  if (!isGood) {
    throw wrong(
      'baseUrl',
      `a https URL of at most ${MAX_BASE_LENGTH} characters without a login and without #`,
      baseUrl,
    );
  }
  return url.href;
}

function toMailto(mailto: unknown): string {
  const expected = 'an e-mail address, or a mailto URL of at most 900 characters';
  if (typeof mailto !== 'string' || mailto.length > MAX_UNSUBSCRIBE_URL)
    throw wrong('mailto', expected, mailto);
  const mailbox = parseMailbox(mailto);
  if (mailbox) return `mailto:${encodeURIComponent(mailbox.address).replace('%40', '@')}`;
  const isUrl = /^mailto:[\x21-\x7e]+$/i.test(mailto) && !/[<>]/.test(mailto);
  if (!isUrl) throw wrong('mailto', expected, mailto);
  return mailto;
}

function lifetime(ms: number | null): number | null {
  if (ms === null || (Number.isInteger(ms) && ms >= THIRTY_DAYS_MS && ms <= TEN_YEARS_MS)) return ms;
  throw wrong('tokenLifetimeMs', `null or a whole number from ${THIRTY_DAYS_MS} to ${TEN_YEARS_MS}`, ms);
}

function wrong(option: string, expected: string, value: unknown): MailingOptionsError {
  return new MailingOptionsError(`unsubscribe.${option}`, expected, value);
}
