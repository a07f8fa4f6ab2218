import { parseMailbox } from '../addresses/email-address.js';
import { type OptionSchema, readOptions } from './option-group.js';
import { custom, wholeOrNull } from './option-kinds.js';
import type { OptionPlace } from './option-place.js';
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

const THIRTY_DAYS_MS = 2_592_000_000;
const TEN_YEARS_MS = 315_360_000_000;

/** Query parameter of a signed link that holds the token. */
export const TOKEN_PARAMETER = 'token';

/** Max length of a link: it fits a header line of 998 bytes and leaves some bytes to servers that forward the message. */
export const MAX_UNSUBSCRIBE_URL = 900;

const MAX_BASE_LENGTH = 200;
const SECRETS = 'one or more texts of at least 32 characters';

/** The options `unsubscribe`. */
export const UNSUBSCRIBE = {
  baseUrl: custom('https URL', 'none', (at, given) => ((given ?? null) === null ? null : toBase(at, given))),
  secret: custom('text of at least 32 characters, or a list of them', 'none', (at, given) =>
    (given ?? null) === null ? null : toSecrets(at, given),
  ),
  url: custom('function', 'none', (at, given) => {
    if ((given ?? null) !== null && typeof given !== 'function') throw at.wrong('a function', given);
    return (given ?? null) as UnsubscribeSettings['url'];
  }),
  mailto: custom('address, or mailto URL', 'none', (at, given) =>
    (given ?? null) === null ? null : toMailto(at, given),
  ),
  tokenLifetimeMs: wholeOrNull({ min: THIRTY_DAYS_MS, max: TEN_YEARS_MS, nullIs: 'null' }),
} satisfies OptionSchema<UnsubscribeOptions>;

/** @throws the error of the place, naming the first option that is missing, wrong or contradicts another; never showing a secret. */
export function toUnsubscribeSettings(at: OptionPlace, given: unknown): UnsubscribeSettings {
  const { baseUrl, secret, url, mailto, tokenLifetimeMs } = readOptions(at, UNSUBSCRIBE, given);
  if (baseUrl === null) {
    const orphan = secret === null ? tokenLifetimeMs && 'tokenLifetimeMs' : 'secret';
    if (orphan)
      throw at.of(orphan).wrong('absent, because there is no baseUrl whose links it signs', null, 'a value');
    if (url === null && mailto === null) throw at.of('baseUrl').wrong('there, or url, or mailto', undefined);
    return { url, mailto, tokens: null };
  }
  if (url !== null) throw at.of('url').wrong('absent where baseUrl is given', url);
  if (secret === null) throw at.of('secret').wrong(SECRETS, undefined);
  const tokens = new UnsubscribeTokens(secret, { lifetimeMs: tokenLifetimeMs });
  return { url: (who) => signed(baseUrl, tokens, who), mailto, tokens };
}

function signed(base: string, tokens: UnsubscribeTokens, who: UnsubscribeRecipient): string {
  const link = new URL(base);
  link.searchParams.set(TOKEN_PARAMETER, tokens.sign(who));
  return link.href;
}

/** https only: plain http shows the token to every machine on the way, and no mail provider posts to it. */
function toBase(at: OptionPlace, baseUrl: unknown): string {
  const isText = typeof baseUrl === 'string' && baseUrl.length <= MAX_BASE_LENGTH;
  const url = isText && URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  const isGood =
    url?.protocol === 'https:' &&
    url.username === '' &&
    url.hash === '' &&
    url.href.length <= MAX_BASE_LENGTH;
  if (!isGood) {
    throw at.wrong(
      `a https URL of at most ${MAX_BASE_LENGTH} characters without a login and without #`,
      baseUrl,
    );
  }
  return url.href;
}

function toMailto(at: OptionPlace, mailto: unknown): string {
  const expected = 'an e-mail address, or a mailto URL of at most 900 characters';
  if (typeof mailto !== 'string' || mailto.length > MAX_UNSUBSCRIBE_URL) throw at.wrong(expected, mailto);
  const mailbox = parseMailbox(mailto);
  if (mailbox) return `mailto:${encodeURIComponent(mailbox.address).replace('%40', '@')}`;
  const isUrl = /^mailto:[\x21-\x7e]+$/i.test(mailto) && !/[<>]/.test(mailto);
  if (!isUrl) throw at.wrong(expected, mailto);
  return mailto;
}

function toSecrets(at: OptionPlace, secret: unknown): string | readonly string[] {
  const complaint = UnsubscribeTokens.complaintAbout(secret);
  if (complaint) throw at.wrong(SECRETS, secret, complaint);
  return secret as string | readonly string[];
}
